//! Who writes here: users, passwords, sessions.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use spin_sdk::http::Request;
use spin_sdk::sqlite::Value;
use subtle::ConstantTimeEq;

use crate::db::{Db, integer, text, value};
use crate::web;

/// Browsers take a cookie of this name from this host alone, and only with Secure and Path=/.
const COOKIE: &str = "__Host-session";
const SESSION_SECONDS: i64 = 7 * 24 * 3600;
const SESSIONS_MAX: i64 = 20; // of one user; the oldest end first
pub const PASSWORD_MIN: usize = 12; // characters
pub const PASSWORD_MAX: usize = 200;

pub struct Session {
    pub user: i64,
    pub name: String,
    /// What forms of this session say.
    pub csrf: String,
    digest: String,
}

impl Session {
    /// The session that the request's cookie names.
    pub fn of(db: &Db, request: &Request) -> anyhow::Result<Option<Session>> {
        let Some(token) = web::cookie(request, COOKIE) else { return Ok(None) };
        let digest = web::sha256(token.as_bytes());
        let row = db.row(
            "SELECT users.id, users.name, sessions.csrf FROM sessions \
             JOIN users ON users.id = sessions.user WHERE digest = ? AND expires > unixepoch()",
            &[value(&digest)],
        )?;
        Ok(row.map(|row| Session {
            user: integer(&row, 0),
            name: text(&row, 1),
            csrf: text(&row, 2),
            digest,
        }))
    }

    /// Whether a form was made for this session.
    pub fn has_made(&self, token: &str) -> bool {
        token.as_bytes().ct_eq(self.csrf.as_bytes()).into()
    }

    /// Ends it. The answer is what to set as cookie.
    pub fn end(&self, db: &Db) -> anyhow::Result<String> {
        db.rows("DELETE FROM sessions WHERE digest = ?", &[value(&self.digest)])?;
        Ok(cookie("", 0))
    }

    /// Gives the user another password and ends all other sessions, if `old` is the one so far.
    pub fn change_password(&self, db: &Db, old: &str, new: &str) -> anyhow::Result<bool> {
        if check(db, &self.name, old)?.is_none() {
            return Ok(false);
        }
        let user = Value::Integer(self.user);
        let hash = value(&hash(new)?);
        db.rows("UPDATE users SET password = ? WHERE id = ?", &[hash, user.clone()])?;
        let own = value(&self.digest);
        db.rows("DELETE FROM sessions WHERE user = ? AND digest <> ?", &[user, own])?;
        Ok(true)
    }
}

/// What to set as cookie, or nothing if name and password do not belong together.
pub fn log_in(db: &Db, name: &str, password: &str) -> anyhow::Result<Option<String>> {
    make_first_user(db)?;
    let Some(user) = check(db, name, password)? else { return Ok(None) };
    let token = web::random(32)?;
    db.rows("DELETE FROM sessions WHERE expires <= unixepoch()", &[])?;
    db.rows(
        "INSERT INTO sessions VALUES (?, ?, ?, unixepoch() + ?)",
        &[
            value(&web::sha256(token.as_bytes())),
            Value::Integer(user),
            value(&web::random(32)?),
            Value::Integer(SESSION_SECONDS),
        ],
    )?;
    db.rows(
        "DELETE FROM sessions WHERE digest IN \
         (SELECT digest FROM sessions WHERE user = ? ORDER BY expires DESC LIMIT -1 OFFSET ?)",
        &[Value::Integer(user), Value::Integer(SESSIONS_MAX)],
    )?;
    Ok(Some(cookie(&token, SESSION_SECONDS)))
}

fn cookie(token: &str, seconds: i64) -> String {
    format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

/// The user whose password it is.
fn check(db: &Db, name: &str, password: &str) -> anyhow::Result<Option<i64>> {
    if !web::fits(password, 0, PASSWORD_MAX) || !web::fits(name, 0, PASSWORD_MAX) {
        return Ok(None);
    }
    let user = db.row("SELECT id, password FROM users WHERE name = ?", &[value(name)])?;
    let Some(user) = user else {
        hash(password)?; // so that it takes as long, and tells nobody which names there are
        return Ok(None);
    };
    let kept = text(&user, 1);
    let kept = PasswordHash::new(&kept).map_err(|error| anyhow::anyhow!("{error}"))?;
    let is_right = Argon2::default().verify_password(password.as_bytes(), &kept).is_ok();
    Ok(is_right.then(|| integer(&user, 0)))
}

/// A site without users gets one, with the password that the operator has set.
fn make_first_user(db: &Db) -> anyhow::Result<()> {
    if db.row("SELECT 1 FROM users LIMIT 1", &[])?.is_some() {
        return Ok(());
    }
    let password = spin_sdk::variables::get("admin_password")?;
    if !web::fits(&password, PASSWORD_MIN, PASSWORD_MAX) {
        anyhow::bail!("admin_password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters");
    }
    let hash = value(&hash(&password)?);
    db.rows("INSERT OR IGNORE INTO users (name, password) VALUES ('admin', ?)", &[hash])?;
    Ok(())
}

fn hash(password: &str) -> anyhow::Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("{error}"))?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(hash.to_string())
}
