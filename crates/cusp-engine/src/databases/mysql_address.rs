//! What a guest names a MySQL server by.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Failure;

const PORT: u16 = 3306;

/// "mysql://user:password@host:port/database?ssl-mode=…", percent-encoded.
pub struct Address {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: Option<String>,
    pub tls: bool,
}

impl Address {
    /// The error repeats nothing of the text: there may be a password in it.
    pub fn parse(text: &str) -> Result<Address, Failure> {
        let invalid = |what: &str| Failure::Connection(format!("the address {what}"));
        let url = Url::parse(text).map_err(|error| invalid(&format!("is no URL: {error}")))?;
        if url.scheme() != "mysql" {
            return Err(invalid("does not begin with mysql://"));
        }
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let host = url.host_str().ok_or_else(|| invalid("names no host"))?;
        let database = decode(url.path().trim_start_matches('/'));
        let mode = url
            .query_pairs()
            .find(|(key, _)| ["ssl-mode", "sslmode"].contains(&key.to_lowercase().as_str()));
        Ok(Address {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(PORT),
            user: decode(url.username()),
            password: decode(url.password().unwrap_or_default()),
            database: Some(database).filter(|name| !name.is_empty()),
            tls: mode.is_some_and(|(_, mode)| !mode.eq_ignore_ascii_case("disabled")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_decoded() {
        let address = Address::parse("mysql://a%40b:p%3Aw@[::1]:3307/my%20db?Ssl-Mode=REQUIRED");
        let address = address.unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 3307));
        assert_eq!((address.user.as_str(), address.password.as_str()), ("a@b", "p:w"));
        assert_eq!(address.database.as_deref(), Some("my db"));
        assert!(address.tls);
        let plain = Address::parse("mysql://db.example/x?sslmode=disabled").unwrap();
        assert!(!plain.tls && plain.port == PORT);
        assert_eq!(Address::parse("mysql://db.example").unwrap().database, None);
    }

    #[test]
    fn an_address_that_is_none_repeats_nothing_of_itself() {
        for text in ["mysql://user:secret@", "http://user:secret@h/", "user:secret", ""] {
            let Err(Failure::Connection(message)) = Address::parse(text) else {
                panic!("{text} is an address")
            };
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
