//! The Korean UnSmile dataset (Kang et al. 2022, <https://arxiv.org/abs/2204.03262>): one comment a row, one column of
//! 0 and 1 for each kind of hate speech. It is recognised by its header.
//!
//! The eight kinds become labels under the English names that models are trained with. Three columns are no kind of hate
//! speech and stay as other columns: 악플/욕설 (abuse of nobody's group), clean (nothing applies, which the eight say
//! too) and 개인지칭 (whether a person can be recognised).

use super::records::{Place, Row};

/// The label of each kind, in the order of the published columns.
pub const LABELS: [&str; 8] = [
    "Women/Family",
    "Men",
    "LGBTQ+",
    "Race/Nationality",
    "Age",
    "Region",
    "Religion",
    "Other Hate Speech",
];

/// The columns of the kinds, without white space: the published tables write one of them with and without.
const COLUMNS: [&str; 8] = [
    "여성/가족",
    "남성",
    "성소수자",
    "인종/국적",
    "연령",
    "지역",
    "종교",
    "기타혐오",
];

/// The column of the comment.
const TEXT: &str = "문장";

/// Where the columns of an UnSmile file are.
pub(super) struct Layout {
    /// The comment.
    pub text: usize,
    /// One column for each of [`LABELS`].
    pub flags: [usize; 8],
}

/// A cell of a label column that is neither 0 nor 1.
pub(super) struct BadFlag {
    pub place: Place,
    pub message: String,
}

impl Layout {
    /// The layout of a header that has the comment and all eight kinds.
    pub fn recognise(header: &[String]) -> Option<Self> {
        let names: Vec<String> = header
            .iter()
            .map(|name| name.split_whitespace().collect())
            .collect();
        let find = |wanted: &str| names.iter().position(|name| name == wanted);
        let mut flags = [0; 8];
        for (flag, column) in flags.iter_mut().zip(COLUMNS) {
            *flag = find(column)?;
        }
        Some(Self {
            text: find(TEXT)?,
            flags,
        })
    }

    /// The labels of a row, separated by commas. A row whose label cells are all blank says nothing about labels; neither
    /// does one with a cell that is neither 0 nor 1, which is told.
    pub fn labels(&self, row: &Row<'_>) -> Result<Option<String>, BadFlag> {
        let cell = |column: usize| row.cell(column).unwrap_or_default();
        if self.flags.iter().all(|flag| cell(*flag).trim().is_empty()) {
            return Ok(None);
        }
        let mut names = Vec::new();
        for ((flag, label), column) in self.flags.iter().zip(LABELS).zip(COLUMNS) {
            match cell(*flag).trim() {
                "0" | "0.0" => {}
                "1" | "1.0" => names.push(label),
                other => {
                    let place = row.place_of(*flag);
                    return Err(BadFlag {
                        place,
                        message: format!(
                            "line {}, column {}: {column} is “{}” where 0 or 1 is meant, so the post counts as \
                             unlabelled; correct the cell",
                            place.line,
                            place.column,
                            other.chars().take(40).collect::<String>()
                        ),
                    });
                }
            }
        }
        Ok(Some(names.join(",")))
    }
}
