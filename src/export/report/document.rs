//! Headings, paragraphs and tables, written as HTML or as Markdown.

use std::fmt::Write as _;

use crate::export::markup::escaped;

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Markup {
    /// One page with its style in it.
    Html,
    /// Markdown with tables.
    Markdown,
}

/// The style of the page: plain, readable in the dark, printable.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .75rem;border-bottom:1px solid #8886;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}";

enum Block {
    Heading(String),
    Paragraph(String),
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
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
            }
            .ok();
        }
        text
    }
}

fn html_table(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String], tag: &str| {
        let cell = |cell: &String| {
            let class =
                if is_figure(cell) || tag == "th" && is_column_of_figures(header, rows, cell) {
                    " class=\"n\""
                } else {
                    ""
                };
            format!("<{tag}{class}>{}</{tag}>", escaped(cell))
        };
        format!("<tr>{}</tr>", cells.iter().map(cell).collect::<String>())
    };
    let body: Vec<String> = rows.iter().map(|row| line(row, "td")).collect();
    format!(
        "<table>\n<thead>{}</thead>\n<tbody>\n{}\n</tbody>\n</table>",
        line(header, "th"),
        body.join("\n")
    )
}

fn is_figure(cell: &str) -> bool {
    cell.trim_end_matches([' ', '%']).parse::<f64>().is_ok()
}

fn is_column_of_figures(header: &[String], rows: &[Vec<String>], name: &String) -> bool {
    let column = header.iter().position(|cell| cell == name);
    column.is_some_and(|column| {
        rows.iter()
            .all(|row| row.get(column).is_some_and(|cell| is_figure(cell)))
    })
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
}
