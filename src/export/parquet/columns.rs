//! The columns of an exported file: what each is called, its type in Parquet, and what the Hub's description says of it.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, Type as Physical},
    errors::Result,
    schema::types::{Type, TypePtr},
};
use serde_json::{Map, Value, json};

use crate::{
    export::{
        TrainingSet,
        said::model_name,
        training_set::{Provenance, Row},
    },
    post::{LabelSet, Post},
    predict::prediction::Score,
};

/// How a column's value of one post is found; `None` is null.
type Of<'a, T> = Box<dyn Fn(&'a Post, &'a Row) -> Option<T> + 'a>;

/// One column.
pub(super) struct Column<'a> {
    pub name: String,
    pub cells: Cells<'a>,
}

/// What stands in a column.
pub(super) enum Cells<'a> {
    /// A picture as the `datasets` library stores it: its bytes, and the name of its file.
    Picture,
    Text(Of<'a, Cow<'a, str>>),
    /// A list of classes.
    Labels(Of<'a, LabelSet>),
    Flag(Of<'a, bool>),
    /// The probability of each label, if the model gave any.
    Scores(Of<'a, &'a [Score]>),
}

/// All columns, in their order. Null labels are those that nobody has given.
pub(super) fn columns(set: &TrainingSet) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    let mut taken = HashSet::new();
    let mut add = |name: &str, cells| {
        taken.insert(name.to_lowercase());
        let name = name.to_owned();
        columns.push(Column { name, cells });
    };
    let text = |of: fn(&Post) -> &str| Cells::Text(Box::new(move |post, _| Some(of(post).into())));
    let has_pictures = set.rows().any(|(post, _)| !post.image_path.is_empty());
    if has_pictures {
        add("image", Cells::Picture);
    }
    add("text", text(|post| &post.text));
    add("labels", Cells::Labels(Box::new(|_, row| row.labels)));
    if has_pictures {
        add("image_path", text(|post| &post.image_path));
    }
    if set.rows().any(|(_, row)| row.prediction.is_some()) {
        let labels = |_: &Post, row: &Row| set.answer(row).map(|answer| answer.labels);
        add("predicted_labels", Cells::Labels(Box::new(labels)));
        let model = set.run().map(model_name).unwrap_or_default();
        let of = move |_: &Post, row: &Row| set.answer(row).map(|_| model.clone().into());
        add("model", Cells::Text(Box::new(of)));
        add(
            "scores",
            Cells::Scores(Box::new(|_, row| set.answer(row)?.scores.as_deref())),
        );
    }
    if set.has_provenance() {
        let said = |of: fn(&Provenance) -> Option<&str>| {
            Cells::Text(Box::new(move |_, row| {
                of(row.provenance.as_ref()?).map(Cow::from)
            }))
        };
        let flag = |of: fn(&Provenance) -> bool| {
            Cells::Flag(Box::new(move |_, row| row.provenance.as_ref().map(of)))
        };
        add(
            "id",
            Cells::Text(Box::new(|post, _| Some(post.id.to_string().into()))),
        );
        add("source", said(|p| Some(p.source.name())));
        add("reviewer", said(|p| p.reviewer.as_deref()));
        add(
            "dataset_labels",
            Cells::Labels(Box::new(|post, _| post.truth)),
        );
        add("assisted", flag(|p| p.assisted));
        add("flagged", flag(|p| p.flagged));
        add("note", said(|p| Some(&p.note)));
    }
    let extra = set.dataset().extra_columns.iter().enumerate();
    for (place, name) in extra.filter(|(_, name)| !name.is_empty()) {
        let cells = Cells::Text(Box::new(move |post: &Post, _: &Row| {
            Some(post.extra.get(place)?.as_ref().into())
        }));
        let name = free_name(name, &mut taken);
        columns.push(Column { name, cells });
    }
    columns.retain(|column| !column.is_empty(set));
    columns
}

/// The name of a column of the dataset's own: another one where this program writes something of that name.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    while !taken.insert(free.to_lowercase()) {
        free = format!("dataset_{free}");
    }
    free
}

impl Column<'_> {
    /// Whether nothing could stand in it: a dataset without any label has no classes.
    fn is_empty(&self, set: &TrainingSet) -> bool {
        let of_labels = matches!(self.cells, Cells::Labels(_) | Cells::Scores(_));
        of_labels && set.dataset().labels.is_empty()
    }

    /// The type as pyarrow writes it: everything may be null.
    fn parquet(&self, set: &TrainingSet) -> Result<Type> {
        match &self.cells {
            Cells::Picture => group(
                &self.name,
                vec![primitive("bytes", Physical::BYTE_ARRAY)?, string("path")?],
            ),
            Cells::Text(_) => string(&self.name),
            Cells::Flag(_) => primitive(&self.name, Physical::BOOLEAN),
            Cells::Labels(_) => {
                let class = Arc::new(primitive("element", Physical::INT64)?);
                let list = Type::group_type_builder("list")
                    .with_repetition(Repetition::REPEATED)
                    .with_fields(vec![class]);
                Type::group_type_builder(&self.name)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_converted_type(ConvertedType::LIST)
                    .with_logical_type(Some(LogicalType::List))
                    .with_fields(vec![Arc::new(list.build()?)])
                    .build()
            }
            Cells::Scores(_) => {
                let labels = set.dataset().labels.iter();
                let scores = labels.map(|label| primitive(label, Physical::DOUBLE));
                group(&self.name, scores.collect::<Result<_>>()?)
            }
        }
    }

    /// What the `datasets` library reads of the column
    /// (<https://huggingface.co/docs/datasets/package_reference/main_classes#datasets.Features>). Its older versions know the
    /// list by this name alone, and the newer ones by this too.
    fn feature(&self, set: &TrainingSet) -> Value {
        let value = |kind: &str| json!({"dtype": kind, "_type": "Value"});
        let labels = || set.dataset().labels.iter();
        match &self.cells {
            Cells::Picture => json!({"_type": "Image"}),
            Cells::Text(_) => value("string"),
            Cells::Flag(_) => value("bool"),
            Cells::Labels(_) => {
                let names: Vec<&str> = labels().collect();
                json!({"feature": {"names": names, "_type": "ClassLabel"}, "_type": "Sequence"})
            }
            Cells::Scores(_) => {
                let scores = labels().map(|label| (label.to_owned(), value("float64")));
                Value::Object(scores.collect())
            }
        }
    }
}

/// The schema of all columns.
pub(super) fn schema(columns: &[Column<'_>], set: &TrainingSet) -> Result<TypePtr> {
    let fields = columns
        .iter()
        .map(|column| column.parquet(set).map(Arc::new));
    let schema = Type::group_type_builder("schema").with_fields(fields.collect::<Result<_>>()?);
    Ok(Arc::new(schema.build()?))
}

/// The Hub's description of all columns, as it stands beside the schema.
pub(super) fn description(columns: &[Column<'_>], set: &TrainingSet) -> String {
    let features = columns
        .iter()
        .map(|column| (column.name.clone(), column.feature(set)));
    json!({"info": {"features": features.collect::<Map<_, _>>()}}).to_string()
}

fn primitive(name: &str, of: Physical) -> Result<Type> {
    Type::primitive_type_builder(name, of)
        .with_repetition(Repetition::OPTIONAL)
        .build()
}

fn string(name: &str) -> Result<Type> {
    Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(ConvertedType::UTF8)
        .with_logical_type(Some(LogicalType::String))
        .build()
}

fn group(name: &str, fields: Vec<Type>) -> Result<Type> {
    Type::group_type_builder(name)
        .with_repetition(Repetition::OPTIONAL)
        .with_fields(fields.into_iter().map(Arc::new).collect())
        .build()
}
