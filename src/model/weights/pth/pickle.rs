//! The part of the pickle language that a dictionary of tensors is written in. Nothing else is understood, and nothing
//! is run: a function is a name here, and the names that a tensor needs are four.
//!
//! Values stand in one list and refer to each other by their places in it, so neither nesting nor repetition costs
//! more than the bytes that ask for it. Reference: Python's `pickletools`, and PyTorch's `_weights_only_unpickler.py`.

use std::collections::HashMap;

use super::{
    PthError,
    values::{Function, Ref, StoredTensor, Tensor, Value, is_row_by_row},
};

/// The most dimensions of a tensor.
const MAX_RANK: usize = 8;

/// The tensors of a pickled dictionary.
///
/// # Errors
/// Anything in it that is no tensor, any step that a dictionary of tensors does not need, and damage.
pub fn tensors(index: &[u8]) -> Result<Vec<StoredTensor>, PthError> {
    let mut machine = Machine {
        bytes: index,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while !machine.step()? {}
    machine.result()
}

/// The state while a pickle is read.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Ref>,
    /// The heights of the stack where lists begin.
    marks: Vec<usize>,
    memo: HashMap<u32, Ref>,
}

impl Machine<'_> {
    /// One step; whether it was the last.
    fn step(&mut self) -> Result<bool, PthError> {
        let start = self.at;
        let [code] = self.take()?;
        match code {
            0x80 => drop(self.take::<1>()?), // PROTO
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::Nothing),
            0x88 | 0x89 => self.push(Value::Bool),
            b'K' => {
                let [byte] = self.take()?;
                self.push(Value::Int(i64::from(byte)));
            }
            b'M' => {
                let number = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(i64::from(number)));
            }
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(i64::from(number)));
            }
            0x8a => self.long()?,
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Float);
            }
            b'X' => {
                let len = u32::from_le_bytes(self.take()?) as usize;
                let text = self.text(len)?;
                self.push(Value::Text(text));
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Function(Function::named(&module, &name)?));
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            b']' => self.push(Value::List),
            b'a' => drop(self.pop()?), // what a list holds is of no interest
            b'e' => drop(self.pop_to_mark()?),
            b'}' => self.push(Value::Dict(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(&items)?;
            }
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            b'b' => self.build()?,
            b'q' => {
                let [place] = self.take()?;
                self.remember(u32::from(place))?;
            }
            b'r' => {
                let place = u32::from_le_bytes(self.take()?);
                self.remember(place)?;
            }
            b'h' => {
                let [place] = self.take()?;
                self.recall(u32::from(place))?;
            }
            b'j' => {
                let place = u32::from_le_bytes(self.take()?);
                self.recall(place)?;
            }
            other => return Err(PthError::Step(other, start)),
        }
        Ok(false)
    }

    /// The dictionary that is left at the end.
    fn result(self) -> Result<Vec<StoredTensor>, PthError> {
        let root = self.stack.last().and_then(|root| self.values.get(*root));
        let Some(Value::Dict(entries)) = root else {
            return Err(PthError::NotATensor {
                name: "the whole".to_owned(),
                kind: root.map_or("nothing", Value::kind),
            });
        };
        let mut tensors = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let name = match self.values.get(*key) {
                Some(Value::Text(name)) => name.clone(),
                _ => return Err(self.damaged()),
            };
            let value = self.values.get(*value).unwrap_or(&Value::Nothing);
            let Value::Tensor(tensor) = value else {
                let kind = value.kind();
                return Err(PthError::NotATensor { name, kind });
            };
            let Some(Value::Storage {
                dtype,
                name: storage,
            }) = self.values.get(tensor.storage)
            else {
                return Err(self.damaged());
            };
            if !is_row_by_row(&tensor.shape, &tensor.strides) {
                return Err(PthError::Strided(name));
            }
            tensors.push(StoredTensor {
                name,
                shape: tensor.shape.clone(),
                dtype: *dtype,
                storage: storage.clone(),
                first: tensor.first,
            });
        }
        Ok(tensors)
    }

    fn damaged(&self) -> PthError {
        PthError::Index(self.at)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], PthError> {
        let (bytes, _) = self
            .bytes
            .get(self.at..)
            .and_then(<[u8]>::split_first_chunk::<N>)
            .ok_or_else(|| self.damaged())?;
        self.at += N;
        Ok(*bytes)
    }

    fn text(&mut self, len: usize) -> Result<String, PthError> {
        let end = self.at.checked_add(len);
        let bytes = end.and_then(|end| self.bytes.get(self.at..end));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| self.damaged())?.to_owned();
        self.at += len;
        Ok(text)
    }

    /// A text that ends with its line.
    fn line(&mut self) -> Result<String, PthError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = self.text(end.ok_or_else(|| self.damaged())?)?;
        self.at += 1;
        Ok(line)
    }

    /// A number of up to eight bytes, lowest first.
    fn long(&mut self) -> Result<(), PthError> {
        let [len] = self.take()?;
        let mut number: i64 = 0;
        for place in 0..len {
            let [byte] = self.take()?;
            match place {
                0..8 => number |= i64::from(byte) << (8 * place),
                _ => return Err(self.damaged()),
            }
        }
        // The highest bit given is the sign.
        let unused = 64 - 8 * u32::from(len.clamp(1, 8));
        self.push(Value::Int(number << unused >> unused));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// The topmost value above the last mark.
    fn pop(&mut self) -> Result<Ref, PthError> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(self.damaged());
        }
        self.stack.pop().ok_or_else(|| self.damaged())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Ref>, PthError> {
        let mark = self.marks.pop().ok_or_else(|| self.damaged())?;
        if mark > self.stack.len() {
            return Err(self.damaged());
        }
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, len: usize) -> Result<(), PthError> {
        let mut items = Vec::with_capacity(len);
        for _ in 0..len {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Tuple(items));
        Ok(())
    }

    /// Puts keys and values, one after the other, into the dictionary on top.
    fn insert(&mut self, items: &[Ref]) -> Result<(), PthError> {
        let at = self.at;
        let top = self.stack.last().copied();
        match top.and_then(|top| self.values.get_mut(top)) {
            Some(Value::Dict(entries)) if items.len().is_multiple_of(2) => {
                entries.extend(
                    items
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .map(|[key, value]| (*key, *value)),
                );
                Ok(())
            }
            _ => Err(PthError::Index(at)),
        }
    }

    fn remember(&mut self, place: u32) -> Result<(), PthError> {
        let top = self.stack.last().copied().ok_or_else(|| self.damaged())?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), PthError> {
        let value = self.memo.get(&place).copied();
        self.stack.push(value.ok_or_else(|| self.damaged())?);
        Ok(())
    }

    fn items(&self, tuple: Ref) -> Result<&[Ref], PthError> {
        match self.values.get(tuple) {
            Some(Value::Tuple(items)) => Ok(items),
            _ => Err(self.damaged()),
        }
    }

    fn int(&self, value: Option<&Ref>) -> Result<usize, PthError> {
        match value.and_then(|value| self.values.get(*value)) {
            Some(Value::Int(number)) => usize::try_from(*number).map_err(|_| self.damaged()),
            _ => Err(self.damaged()),
        }
    }

    fn ints(&self, tuple: Option<&Ref>) -> Result<Vec<usize>, PthError> {
        let items = self.items(*tuple.ok_or_else(|| self.damaged())?)?;
        if items.len() > MAX_RANK {
            return Err(self.damaged());
        }
        items.iter().map(|item| self.int(Some(item))).collect()
    }

    /// `('storage', class, name, device, number of values)`: where values lie. How many there are is seen in the archive.
    fn storage(&mut self) -> Result<(), PthError> {
        let id = self.pop()?;
        let part = |place: usize| self.values.get(*self.items(id).ok()?.get(place)?);
        let (Some(Value::Function(Function::StorageOf(dtype))), Some(Value::Text(name))) =
            (part(1), part(2))
        else {
            return Err(self.damaged());
        };
        let storage = Value::Storage {
            dtype: *dtype,
            name: name.clone(),
        };
        self.push(storage);
        Ok(())
    }

    /// What a function makes of its arguments, for the functions that make tensors.
    fn call(&mut self) -> Result<(), PthError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Some(Value::Function(function)) = self.values.get(function) else {
            return Err(self.damaged());
        };
        let arguments = self.items(arguments)?;
        let made = match (function, arguments) {
            (Function::OrderedDict, []) => Value::Dict(Vec::new()),
            (Function::RebuildTensor, [storage, first, shape, strides, ..]) => {
                Value::Tensor(Tensor {
                    storage: *storage,
                    first: self.int(Some(first))? as u64,
                    shape: self.ints(Some(shape))?,
                    strides: self.ints(Some(strides))?,
                })
            }
            (Function::RebuildParameter, [tensor, ..]) => match self.values.get(*tensor) {
                Some(Value::Tensor(tensor)) => Value::Tensor(tensor.clone()),
                _ => return Err(self.damaged()),
            },
            _ => return Err(self.damaged()),
        };
        self.push(made);
        Ok(())
    }

    /// A dictionary's attributes (PyTorch notes versions there) are of no interest.
    fn build(&mut self) -> Result<(), PthError> {
        self.pop()?;
        match self.stack.last().and_then(|top| self.values.get(*top)) {
            Some(Value::Dict(_)) => Ok(()),
            _ => Err(self.damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safetensors::Dtype;

    use super::*;

    /// `{"w": tensor}` as torch.save writes it, of this shape and these strides (each below 256).
    fn dictionary(shape: [u8; 2], strides: [u8; 2]) -> Vec<u8> {
        let pair = |[a, b]: [u8; 2]| vec![b'K', a, b'K', b, 0x86];
        let text = |text: &str| {
            let len = u32::try_from(text.len()).unwrap().to_le_bytes();
            [b"X", &len[..], text.as_bytes()].concat()
        };
        [
            b"\x80\x02}q\x00".to_vec(),
            text("w"),
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text("0"),
            text("cpu"),
            b"K\x06tQK\x00".to_vec(),
            pair(shape),
            pair(strides),
            b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_dictionary_of_tensors_is_read() {
        let expected = StoredTensor {
            name: "w".to_owned(),
            shape: vec![2, 3],
            dtype: Dtype::F32,
            storage: "0".to_owned(),
            first: 0,
        };
        assert_eq!(tensors(&dictionary([2, 3], [3, 1])), Ok(vec![expected]));
        assert_eq!(
            tensors(&dictionary([2, 3], [1, 2])),
            Err(PthError::Strided("w".to_owned()))
        );
        assert!(tensors(&dictionary([1, 3], [9, 1])).is_ok());
    }

    #[test]
    fn every_function_but_those_of_a_tensor_is_refused_by_its_name() {
        for name in [
            "posix\nsystem",
            "builtins\neval",
            "torch\nload",
            "collections\ndefaultdict",
        ] {
            let program = format!("\u{2}c{name}\n(X\u{4}\u{0}\u{0}\u{0}true tR.");
            let program = [&[0x80], program.as_bytes()].concat();
            let named = PthError::Forbidden(name.replace('\n', "."));
            assert_eq!(tensors(&program), Err(named));
        }
        // NEWOBJ, INST, OBJ, STACK_GLOBAL, EXT1, REDUCE of what is no function
        for (program, step) in [(&b"\x80\x02)\x81."[..], 0x81), (b"(i", b'i'), (b"(o", b'o')] {
            let outcome = tensors(program);
            assert!(matches!(outcome, Err(PthError::Step(code, _)) if code == step));
        }
        assert!(matches!(tensors(b"K\x01)R."), Err(PthError::Index(_))));
    }

    #[test]
    fn nesting_and_repetition_cost_no_more_than_their_bytes() {
        // A million tuples inside of each other; then a memo that doubles a tuple sixty times.
        let deep = [vec![b')'], vec![0x85; 1_000_000], vec![b'.']].concat();
        assert!(matches!(tensors(&deep), Err(PthError::NotATensor { .. })));
        let mut doubling = b")q\x00".to_vec();
        for _ in 0..60 {
            doubling.extend(b"h\x00h\x00\x86q\x00");
        }
        doubling.push(b'.');
        assert!(matches!(
            tensors(&doubling),
            Err(PthError::NotATensor { .. })
        ));
    }

    proptest! {
        #[test]
        fn damage_is_an_error_and_never_more(places in prop::collection::vec((0usize..200, any::<u8>()), 1..6), len in 0usize..200) {
            let mut program = dictionary([2, 3], [3, 1]);
            for (place, byte) in places {
                if let Some(there) = program.get_mut(place) {
                    *there = byte;
                }
            }
            program.truncate(len);
            let _ = tensors(&program);
        }

        #[test]
        fn any_bytes_are_read_or_refused(program in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = tensors(&program);
        }
    }
}
