//! A handler of wasi:http 0.2.0-rc-2023-12-05, and what of it the release changed.

wit_bindgen::generate!({ path: "wit", generate_all });

#[path = "../../handler.rs"]
mod handler;

mod release {
    use crate::wasi::http::types::{Fields, FutureTrailers, RequestOptions};

    const SECOND: u64 = 1_000_000_000;

    pub fn set_timeouts(options: &RequestOptions) {
        options.set_connect_timeout(Some(5 * SECOND)).expect("a time");
        options.set_first_byte_timeout(Some(6 * SECOND)).expect("a time");
        options.set_between_bytes_timeout(Some(7 * SECOND)).expect("a time");
        assert_eq!(options.connect_timeout(), Some(5 * SECOND));
        assert_eq!(options.first_byte_timeout(), Some(6 * SECOND));
        assert_eq!(options.between_bytes_timeout(), Some(7 * SECOND));
    }

    pub fn trailers_of(future: &FutureTrailers) -> Option<Fields> {
        future.subscribe().block();
        let answer = future.get().expect("the future is ready");
        answer.expect("they are asked once").expect("trailers")
    }
}
