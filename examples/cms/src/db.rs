//! The database: statements with parameters, rows read by position.

use spin_sdk::sqlite::{Connection, QueryResult, RowResult, Value};

pub struct Db(Connection);

impl Db {
    pub fn open() -> anyhow::Result<Db> {
        Ok(Db(Connection::open_default()?))
    }

    pub fn rows(&self, sql: &str, parameters: &[Value]) -> anyhow::Result<Vec<RowResult>> {
        let QueryResult { rows, .. } = self.0.execute(sql, parameters)?;
        Ok(rows)
    }

    pub fn row(&self, sql: &str, parameters: &[Value]) -> anyhow::Result<Option<RowResult>> {
        Ok(self.rows(sql, parameters)?.into_iter().next())
    }

    /// Whether a statement with a RETURNING clause has changed something.
    pub fn changes(&self, sql: &str, parameters: &[Value]) -> anyhow::Result<bool> {
        Ok(self.row(sql, parameters)?.is_some())
    }

    /// All of what `work` does, or nothing of it: it fails, or has nothing to answer.
    pub fn all_or_nothing<T>(
        &self,
        work: impl FnOnce() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<Option<T>> {
        self.rows("BEGIN", &[])?;
        let done = work();
        let end = if matches!(done, Ok(Some(_))) { "COMMIT" } else { "ROLLBACK" };
        self.rows(end, &[])?;
        done
    }
}

/// Of a text column; empty for NULL.
pub fn text(row: &RowResult, column: usize) -> String {
    row.get::<&str>(column).unwrap_or_default().to_owned()
}

pub fn integer(row: &RowResult, column: usize) -> i64 {
    row.get::<i64>(column).unwrap_or_default()
}

pub fn value(text: &str) -> Value {
    Value::Text(text.to_owned())
}
