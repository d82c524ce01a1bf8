/// Rows of features, one after another; NaN is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    columns: usize,
    values: Vec<f64>,
}

impl Rows {
    /// No rows yet, of so many columns each.
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// Takes rows that already stand one after another.
    ///
    /// # Panics
    /// When the values are not a whole number of rows.
    pub fn from_values(columns: usize, values: Vec<f64>) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns), "{} values are not whole rows of {columns}", values.len());
        Self { columns, values }
    }

    /// One row.
    pub fn one(row: &[f64]) -> Self {
        Self { columns: row.len(), values: row.to_vec() }
    }

    /// Adds a row; a short one is filled up with missing values, a long one cut.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        let end = self.values.len() + self.columns;
        self.values.extend(row.into_iter().take(self.columns));
        self.values.resize(end, f64::NAN);
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns..][..self.columns]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}
