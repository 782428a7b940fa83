//! Headings, paragraphs and tables, written as HTML or as Markdown.

use std::fmt::Write as _;

use crate::export::{
    figure::{Figure, svg_of_size},
    markup::escaped,
};

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Markup {
    /// One page with its style in it.
    Html,
    /// Markdown with tables.
    Markdown,
}

/// The style of the page: plain, readable in the dark and on a phone, printable. A table too wide for the page scrolls by itself.
/// Figures are drawn on white paper; in the dark their lightness is turned about, and their hues stay.
const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
div.t{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse}\
th,td{padding:.25rem .75rem;border-bottom:1px solid #8886;text-align:left;vertical-align:top}\
th{white-space:nowrap}td{min-width:7rem;overflow-wrap:anywhere}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}\
div.f{display:flex;flex-wrap:wrap;gap:1rem;margin:1rem 0}div.f svg{flex:1 1 24rem;max-width:100%;height:auto;border-radius:6px}\
@media screen and (prefers-color-scheme:dark){div.f svg{filter:invert(.92) hue-rotate(180deg)}}\
@media print{:root{color-scheme:light}h1,h2,h3{break-after:avoid}div.t{overflow:visible}div.f svg{break-inside:avoid}}";

/// The size of a figure, two of which stand side by side: its words are hardly smaller than those around it.
const FIGURE: (f32, f32) = (480.0, 340.0);

/// What a drawing by itself begins with.
const SVG_NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

enum Block {
    Heading(String),
    Paragraph(String),
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// Drawings as SVG. Markdown has no room for them.
    Figures(Vec<String>),
}

/// What a report says, before it has a form.
pub(super) struct Document {
    title: String,
    blocks: Vec<Block>,
}

impl Document {
    pub fn new(title: String) -> Self {
        Self {
            title,
            blocks: Vec::new(),
        }
    }

    pub fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    pub fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    /// A table; one without rows is left out.
    pub fn table<const N: usize>(&mut self, header: [&str; N], rows: Vec<[String; N]>) {
        if !rows.is_empty() {
            let rows = rows.into_iter().map(Vec::from).collect();
            self.blocks.push(Block::Table {
                header: header.map(str::to_owned).to_vec(),
                rows,
            });
        }
    }

    /// Figures side by side.
    pub fn figures(&mut self, figures: &[Figure]) {
        if !figures.is_empty() {
            // Within a page the name of the format is known, and an address would look like something to fetch.
            let drawn = figures
                .iter()
                .map(|figure| svg_of_size(figure, FIGURE).replacen(SVG_NAMESPACE, "", 1));
            self.blocks.push(Block::Figures(drawn.collect()));
        }
    }

    pub fn render(&self, markup: Markup) -> String {
        match markup {
            Markup::Html => self.html(),
            Markup::Markdown => self.markdown(),
        }
    }

    fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
        );
        // Writing to a string cannot fail.
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => writeln!(text, "<h2>{}</h2>", escaped(heading)),
                Block::Paragraph(words) => writeln!(text, "<p>{}</p>", escaped(words)),
                Block::Table { header, rows } => writeln!(text, "{}", html_table(header, rows)),
                Block::Figures(drawn) => {
                    writeln!(text, "<div class=\"f\">\n{}</div>", drawn.concat())
                }
            }
            .ok();
        }
        text + "</html>\n"
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n", one_line(&self.title));
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => write!(text, "\n## {}\n", one_line(heading)),
                Block::Paragraph(words) => write!(text, "\n{}\n", one_line(words)),
                Block::Table { header, rows } => write!(text, "\n{}", markdown_table(header, rows)),
                Block::Figures(_) => Ok(()),
            }
            .ok();
        }
        text
    }
}

fn html_table(header: &[String], rows: &[Vec<String>]) -> String {
    let columns = 0..header.len();
    let of_figures: Vec<bool> = columns.map(|i| is_column_of_figures(rows, i)).collect();
    let line = |cells: &[String], tag: &str| {
        let cells = cells.iter().zip(&of_figures);
        let cells = cells.map(|(cell, is_figure)| {
            let class = if *is_figure { " class=\"n\"" } else { "" };
            format!("<{tag}{class}>{}</{tag}>", escaped(cell))
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let body: Vec<String> = rows.iter().map(|row| line(row, "td")).collect();
    format!(
        "<div class=\"t\"><table>\n<thead>{}</thead>\n<tbody>\n{}\n</tbody>\n</table></div>",
        line(header, "th"),
        body.join("\n")
    )
}

/// Whether a cell is a number, a share or a range of them.
fn is_figure(cell: &str) -> bool {
    let is_number = |text: &str| text.trim_end_matches([' ', '%']).parse::<f64>().is_ok();
    match cell.split_once(" – ") {
        Some((lo, hi)) => is_number(lo) && is_number(hi),
        None => is_number(cell),
    }
}

/// Whether figures stand in a column, and nothing else but gaps.
fn is_column_of_figures(rows: &[Vec<String>], column: usize) -> bool {
    let cells = rows.iter().filter_map(|row| row.get(column));
    let mut told = cells.filter(|cell| !["", "–"].contains(&cell.as_str()));
    told.clone().next().is_some() && told.all(|cell| is_figure(cell))
}

fn markdown_table(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| one_line(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(header.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(header) + &rule + &rows
}

/// A text in one line of Markdown, in which nothing is markup: a post must not bring links or images into the report.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_quoted_becomes_markup() {
        let mut document = Document::new("<b>".to_owned());
        document.paragraph("![x](http://a.b) & <script>\nnext");
        document.table(["a|b", "n"], vec![["\"q\"".to_owned(), "0.5".to_owned()]]);
        let html = document.render(Markup::Html);
        assert!(html.contains("<h1>&lt;b&gt;</h1>"), "{html}");
        assert!(html.contains("&amp; &lt;script&gt;\nnext</p>"), "{html}");
        assert!(
            html.contains("<th class=\"n\">n</th>") && html.contains("<td class=\"n\">0.5</td>"),
            "{html}"
        );
        let markdown = document.render(Markup::Markdown);
        assert!(
            markdown.contains("\n\\!\\[x\\](http://a.b) \\& \\<script\\> next\n"),
            "{markdown}"
        );
        assert!(
            markdown.contains("| a\\|b | n |\n|---|---|\n| \"q\" | 0.5 |\n"),
            "{markdown}"
        );
    }

    #[test]
    fn a_column_is_one_of_figures_as_a_whole() {
        let column = |cells: &[&str]| {
            let rows: Vec<Vec<String>> = cells.iter().map(|c| vec![(*c).to_owned()]).collect();
            is_column_of_figures(&rows, 0)
        };
        assert!(column(&["1", "", "0.5", "–", "50.0 %", "0.1 – 0.9"]));
        // One post among lists of them is no figure.
        assert!(!column(&["78", "8, 20, 31"]));
        assert!(!column(&["", "–"]));
        assert!(!column(&["a – b"]));
    }
}
