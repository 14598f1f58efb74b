//! Keeps the last time that it was called at. A variable `fails` makes it an error.

use spin_sdk::key_value::Store;
use spin_sdk::variables;

wit_bindgen::generate!({
    inline: r#"
        package fermyon:spin-cron@2.0.0;

        interface cron-types {
            record metadata { timestamp: u64 }
            variant error { other(string) }
        }

        world spin-cron {
            use cron-types.{metadata, error};
            export handle-cron-event: func(metadata: metadata) -> result<_, error>;
        }
    "#,
});

struct Cron;

impl Guest for Cron {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        if variables::get("fails").is_ok_and(|value| value == "yes") {
            return Err(Error::Other("it was told to fail".to_owned()));
        }
        let store = Store::open_default().map_err(|error| Error::Other(error.to_string()))?;
        let text = metadata.timestamp.to_string();
        store.set("time", text.as_bytes()).map_err(|error| Error::Other(error.to_string()))
    }
}

export!(Cron);
