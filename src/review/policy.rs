//! The guideline that reviewers decide by: a Markdown file in sections, one for each label if its author wrote one.
//!
//! What is read of Markdown is what guidelines need: headings, paragraphs, lists, quotes, **strong**, *emphasis* and `code`.
//! Everything else is shown as it stands.

use std::{fs, io::Read, path::Path};

/// Names of a guideline beside a dataset, the first one that is there counts.
const NAMES: [&str; 4] = ["policy.md", "guideline.md", "guidelines.md", "POLICY.md"];

/// No guideline is longer; a larger file is something else.
const MAX_BYTES: u64 = 1 << 20;

/// A guideline.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Its sections, in their order.
    pub sections: Vec<Section>,
}

/// A heading and what stands under it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Section {
    /// From 1 for the largest; 0 for what stands before the first heading.
    pub level: usize,
    /// The heading.
    pub title: String,
    /// What stands under it.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Span>),
    /// An entry of a list: how deep it is indented, its mark (`•`, `1.`), its text.
    Item(usize, String, Vec<Span>),
    /// A quotation: an example, say.
    Quote(Vec<Span>),
}

/// A piece of text in one look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The text.
    pub text: String,
    /// How it looks.
    pub look: Look,
}

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Look {
    /// As running text.
    #[default]
    Plain,
    /// Heavier.
    Strong,
    /// Slanted.
    Emphasis,
    /// In letters of one width.
    Code,
}

impl Policy {
    /// The guideline beside a dataset (a file, or a folder), if there is one that can be read.
    pub fn beside(dataset: &Path) -> Option<Self> {
        let folder = if dataset.is_dir() {
            dataset
        } else {
            dataset.parent()?
        };
        let text = NAMES.iter().find_map(|name| read(&folder.join(name)))?;
        Some(Self::parse(&text))
    }

    /// Reads Markdown. Whatever it holds, it becomes something to show.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.line(line));
        reader.end_paragraph();
        reader.sections.push(reader.section);
        reader
            .sections
            .retain(|section| section.level > 0 || !section.blocks.is_empty());
        Self {
            sections: reader.sections,
        }
    }

    /// The section about a label: the one whose heading is its name.
    pub fn about(&self, label: &str) -> Option<&Section> {
        let is_it = |section: &&Section| section.title.trim().eq_ignore_ascii_case(label.trim());
        self.sections.iter().find(is_it)
    }
}

impl Section {
    /// Its first words, for a tooltip.
    pub fn summary(&self) -> Option<String> {
        let text = |block: &Block| match block {
            Block::Paragraph(spans) | Block::Item(_, _, spans) | Block::Quote(spans) => {
                plain(spans)
            }
        };
        self.blocks.first().map(text)
    }

    /// Whether a text occurs in it, in any case. An empty one always does.
    pub fn contains(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let has = |part: &str| part.to_lowercase().contains(&text);
        has(&self.title)
            || self.blocks.iter().any(|block| match block {
                Block::Paragraph(spans) | Block::Item(_, _, spans) | Block::Quote(spans) => {
                    has(&plain(spans))
                }
            })
    }
}

fn plain(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

fn read(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    section: Section,
    /// Lines of a paragraph, an item or a quotation that goes on.
    open: Option<Block>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return self.end_paragraph();
        }
        if let Some((level, title)) = heading(trimmed) {
            self.end_paragraph();
            let section = Section {
                level,
                title: plain(&spans(title)),
                blocks: Vec::new(),
            };
            self.sections
                .push(std::mem::replace(&mut self.section, section));
        } else if let Some((mark, text)) = item(trimmed) {
            self.end_paragraph();
            self.open = Some(Block::Item(indent / 2, mark, spans(text)));
        } else if let Some(text) = trimmed.strip_prefix('>') {
            match &mut self.open {
                Some(Block::Quote(said)) => go_on(said, text.trim()),
                _ => {
                    self.end_paragraph();
                    self.open = Some(Block::Quote(spans(text.trim())));
                }
            }
        } else {
            match &mut self.open {
                Some(Block::Paragraph(said) | Block::Item(_, _, said) | Block::Quote(said)) => {
                    go_on(said, trimmed);
                }
                None => self.open = Some(Block::Paragraph(spans(trimmed))),
            }
        }
    }

    fn end_paragraph(&mut self) {
        self.section.blocks.extend(self.open.take());
    }
}

/// Adds a line behind a blank.
fn go_on(said: &mut Vec<Span>, line: &str) {
    said.extend(spans(&format!(" {line}")));
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let title = line.get(level..)?.strip_prefix(' ')?;
    (1..=6)
        .contains(&level)
        .then(|| (level, title.trim().trim_end_matches('#').trim_end()))
}

fn item(line: &str) -> Option<(String, &str)> {
    for mark in ["- ", "* ", "+ "] {
        if let Some(text) = line.strip_prefix(mark) {
            return Some(("•".to_owned(), text.trim_start()));
        }
    }
    let (number, text) = line.split_once([' ', '\t'])?;
    let digits = number.strip_suffix(['.', ')'])?;
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (format!("{digits}."), text.trim_start()))
}

/// The looks of a line. A mark without its counterpart stands for itself.
fn spans(line: &str) -> Vec<Span> {
    let marks = [
        ("**", Look::Strong),
        ("__", Look::Strong),
        ("`", Look::Code),
        ("*", Look::Emphasis),
    ];
    let mut spans: Vec<Span> = Vec::new();
    let mut text = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let marked = marks.iter().find_map(|(mark, look)| {
            let inside = rest.strip_prefix(mark)?;
            let (inside, behind) = inside.split_once(mark)?;
            let is_text = !inside.is_empty() && !inside.starts_with(' ') && !inside.ends_with(' ');
            is_text.then_some((inside, behind, *look))
        });
        if let Some((inside, behind, look)) = marked {
            if !text.is_empty() {
                spans.push(Span {
                    text: std::mem::take(&mut text),
                    look: Look::Plain,
                });
            }
            spans.push(Span {
                text: inside.to_owned(),
                look,
            });
            rest = behind;
        } else {
            text.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    if !text.is_empty() {
        spans.push(Span {
            text,
            look: Look::Plain,
        });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDELINE: &str = "\
Before all.

# Labels #
## Racist
A post that **sneers** at Florps,
also in disguise.
- naming them kindly does *not* count
  1. nor does `grey`
> florps are lovely
> today

## sexist
2 * 3 * 4 and a lonely ** mark";

    #[test]
    fn headings_lists_quotes_and_looks_are_read() {
        let policy = Policy::parse(GUIDELINE);
        let titles: Vec<(usize, &str)> = policy
            .sections
            .iter()
            .map(|section| (section.level, section.title.as_str()))
            .collect();
        assert_eq!(
            titles,
            [(0, ""), (1, "Labels"), (2, "Racist"), (2, "sexist")]
        );
        let span = |text: &str, look| Span {
            text: text.to_owned(),
            look,
        };
        assert_eq!(
            policy.about("racist").unwrap().blocks,
            [
                Block::Paragraph(vec![
                    span("A post that ", Look::Plain),
                    span("sneers", Look::Strong),
                    span(" at Florps,", Look::Plain),
                    span(" also in disguise.", Look::Plain),
                ]),
                Block::Item(
                    0,
                    "•".into(),
                    vec![
                        span("naming them kindly does ", Look::Plain),
                        span("not", Look::Emphasis),
                        span(" count", Look::Plain),
                    ]
                ),
                Block::Item(
                    1,
                    "1.".into(),
                    vec![span("nor does ", Look::Plain), span("grey", Look::Code)]
                ),
                Block::Quote(vec![
                    span("florps are lovely", Look::Plain),
                    span(" today", Look::Plain),
                ]),
            ]
        );
        let lonely = policy.about("Sexist").unwrap();
        assert_eq!(
            lonely.summary().as_deref(),
            Some("2 * 3 * 4 and a lonely ** mark")
        );
        assert!(lonely.contains("LONELY") && !lonely.contains("florp"));
        assert_eq!(policy.about("other"), None);
    }

    #[test]
    fn anything_becomes_something_to_show() {
        for text in [
            "",
            "#",
            "####### seven",
            "**",
            "`",
            "> ",
            "- ",
            "é*é*",
            "12345. no",
        ] {
            Policy::parse(text);
        }
        assert_eq!(Policy::parse("").sections, []);
    }

    #[test]
    fn the_guideline_beside_a_dataset_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = folder.path().join("posts.csv");
        fs::write(&dataset, "text\n").unwrap();
        assert_eq!(Policy::beside(&dataset), None);
        fs::write(folder.path().join("guidelines.md"), "# Rules").unwrap();
        assert_eq!(Policy::beside(&dataset).unwrap().sections.len(), 1);
        assert_eq!(Policy::beside(folder.path()).unwrap().sections.len(), 1);
    }
}
