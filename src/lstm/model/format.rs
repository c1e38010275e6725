//! The bytes of a safetensors file: what is read from them, and how they are written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ndarray::{Array, Array1, Dimension, IntoDimension as _};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::super::net::{Layer, LayerNorm, Net, Parts, Scale};
use super::{Error, Model, Options, Training, header, unfit, wrong};
use crate::file::{is_lfs_pointer, quote};

/// The tensors of layer `l`.
fn weights(l: usize) -> [String; 4] {
    ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|name| format!("lstm.{name}_l{l}"))
}

/// The tensors that are of no layer.
const OTHERS: [&str; 6] =
    ["layer_norm.weight", "layer_norm.bias", "out.weight", "out.bias", "input_mean", "input_std"];

/// The tensor that shows the prefix of all.
const FIRST: &str = "lstm.weight_ih_l0";

/// The longest header accepted; that of four layers has 2 kB. Parsed, it takes many times its bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// The metadata of the time that the training took.
pub(super) const SECONDS: &str = "training_seconds";

/// The tensors that a file may hold.
const WANTED: &str = "only lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0 \
                      (then _l1 and so on), layer_norm.weight, layer_norm.bias, out.weight, \
                      out.bias, input_mean and input_std, behind a common prefix or none";

/// The metadata that repeats what the tensors show.
fn shown(net: &Net) -> [(&'static str, String); 4] {
    [
        ("d", net.d().to_string()),
        ("hidden_units", net.units().to_string()),
        ("num_layers", net.parts().layers.len().to_string()),
        ("use_layer_norm", net.parts().norm.is_some().to_string()),
    ]
}

/// A parsed file.
pub(super) struct Reader<'a> {
    file: &'a str,
    /// What stands before the names, as wrappers of `PyTorch` put `module.` there.
    prefix: String,
    metadata: HashMap<String, String>,
    tensors: SafeTensors<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        if is_lfs_pointer(bytes) {
            return Err(Error::Pointer { file: file.to_owned() });
        }
        let header_len = bytes.first_chunk().map_or(0, |len| u64::from_le_bytes(*len));
        if header_len > MAX_HEADER_BYTES && header_len < bytes.len() as u64 {
            let (found, most) =
                (format!("{header_len} bytes"), format!("at most {MAX_HEADER_BYTES}"));
            return Err(wrong(file, "header", found, most));
        }
        let parsed = SafeTensors::read_metadata(bytes)
            .and_then(|(_, header)| Ok((header, SafeTensors::deserialize(bytes)?)));
        match parsed {
            Err(source) => Err(header::fault(file, bytes, &source)),
            Ok((header, tensors)) => {
                let metadata = header.metadata().clone().unwrap_or_default();
                Ok(Self { file, prefix: prefix(&tensors), metadata, tensors })
            }
        }
    }

    /// The weights; every tensor of the file must be one that this network has.
    pub(super) fn parts(&self, options: &Options) -> Result<Parts, Error> {
        let names: BTreeSet<_> = self.tensors.names().into_iter().collect();
        let has = |name: &str| names.contains(&*self.full(name));
        let count = (0..).take_while(|&l| has(&weights(l)[0])).count();
        let known = (0..count).flat_map(weights).chain(OTHERS.map(str::to_owned));
        let known: BTreeSet<_> = known.map(|name| self.full(&name)).chain(beside()).collect();
        if let Some(name) = names.iter().find(|&&name| !known.contains(name)) {
            return Err(wrong(self.file, name, "a tensor".to_owned(), WANTED.to_owned()));
        }
        let layer = |l| {
            let [w_ih, w_hh, b_ih, b_hh] = weights(l);
            let (w_ih, w_hh) = (self.single(&w_ih)?, self.single(&w_hh)?);
            Ok(Layer { w_ih, w_hh, b_ih: self.single(&b_ih)?, b_hh: self.single(&b_hh)? })
        };
        let norm = if has("layer_norm.weight") || has("layer_norm.bias") {
            let weight = self.single("layer_norm.weight")?;
            Some(LayerNorm { weight, bias: self.single("layer_norm.bias")? })
        } else {
            None
        };
        let residual = self.stated("residual", options.residual, "true or false")?;
        Ok(Parts {
            layers: (0..count).map(layer).collect::<Result<_, Error>>()?,
            norm,
            out_w: self.single("out.weight")?,
            out_b: self.single("out.bias")?,
            residual: residual.ok_or_else(|| self.unstated("residual"))?,
        })
    }

    /// The normalisation that the file or the caller states, and both if they agree.
    pub(super) fn scale(&self, options: &Options) -> Result<Option<Scale>, Error> {
        for name in beside() {
            let full = self.full(&name);
            if let (Ok(one), Ok(other)) = (self.tensors.tensor(&full), self.tensors.tensor(&name))
                && !same(&one, &other)
            {
                let found = format!("other numbers than in `{full}`");
                let expected = "the same or one of the two".to_owned();
                return Err(wrong(self.file, &name, found, expected));
            }
        }
        if beside().iter().all(|name| self.tensors.tensor(&self.full(name)).is_err()) {
            return Ok(options.scale.clone());
        }
        let [mean, std] = beside().map(|name| self.double(&name));
        let scale = Scale::new(mean?, std?).map_err(|misfit| unfit(self.file, misfit))?;
        match &options.scale {
            Some(stated) if *stated != scale => {
                let expected = "that of the caller".to_owned();
                Err(wrong(self.file, "input_mean", "another normalisation".to_owned(), expected))
            }
            _ => Ok(Some(scale)),
        }
    }

    /// The note on the training, if there is one.
    pub(super) fn training(&self) -> Result<Option<Training>, Error> {
        let number = |what: &str| {
            let Some(found) = self.metadata.get(what) else { return Ok(None) };
            match found.trim().parse::<f64>() {
                Ok(number) if number >= 0.0 => Ok(Some(number)),
                _ => Err(wrong(self.file, what, quote(found), "a number, 0 or more".to_owned())),
            }
        };
        let Some(seconds) = number(SECONDS)? else { return Ok(None) };
        let Ok(time) = Duration::try_from_secs_f64(seconds) else {
            return Err(wrong(self.file, SECONDS, seconds.to_string(), "a duration".to_owned()));
        };
        Ok(Some(Training { time, dropout: number("dropout")?.unwrap_or(0.0) }))
    }

    pub(super) fn check_metadata(&self, net: &Net) -> Result<(), Error> {
        for (what, expected) in shown(net) {
            if let Some(found) = self.metadata.get(what)
                && plain(found) != expected
            {
                let expected = format!("{expected}, as the tensors show");
                return Err(wrong(self.file, what, quote(found), expected));
            }
        }
        Ok(())
    }

    /// A value that the metadata or the caller states, and both if they agree.
    pub(super) fn stated<T>(
        &self,
        what: &'static str,
        option: Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Error>
    where
        T: std::str::FromStr + std::fmt::Display + PartialEq,
    {
        let Some(text) = self.metadata.get(what) else { return Ok(option) };
        let Ok(found) = plain(text).parse::<T>() else {
            return Err(wrong(self.file, what, quote(text), expected.to_owned()));
        };
        match option {
            Some(stated) if stated != found => {
                let expected = format!("{stated}, as the caller states");
                Err(wrong(self.file, what, found.to_string(), expected))
            }
            _ => Ok(Some(found)),
        }
    }

    pub(super) fn unstated(&self, what: &'static str) -> Error {
        Error::Unstated { file: self.file.to_owned(), what }
    }

    /// The name in the file of a tensor; the normalisation may stand without the prefix.
    fn full(&self, name: &str) -> String {
        let full = format!("{}{name}", self.prefix);
        let is_bare = self.tensors.tensor(&full).is_err() && beside().iter().any(|b| b == name);
        if is_bare { name.to_owned() } else { full }
    }

    /// The tensor, if it is of one of these types, has as many dimensions as `D`, and is not
    /// empty.
    fn view<D: Dimension>(
        &self,
        name: &str,
        dtypes: &[Dtype],
    ) -> Result<(TensorView<'_>, D), Error> {
        let name = &*self.full(name);
        let Ok(view) = self.tensors.tensor(name) else {
            return Err(wrong(self.file, name, "no tensor".to_owned(), "one".to_owned()));
        };
        let mut shape = D::zeros(D::NDIM.expect("the dimension is fixed"));
        if !dtypes.contains(&view.dtype()) || view.shape().len() != shape.ndim() {
            let found = format!("{} of shape {:?}", view.dtype(), view.shape());
            let types: Vec<_> = dtypes.iter().map(Dtype::to_string).collect();
            let expected = format!("{}, {}-D", types.join(" or "), shape.ndim());
            return Err(wrong(self.file, name, found, expected));
        }
        // Beside an axis of 0 the parser lets any other pass, even one that no memory could hold.
        if view.shape().contains(&0) {
            let found = format!("shape {:?}", view.shape());
            return Err(wrong(self.file, name, found, "no axis of length 0".to_owned()));
        }
        shape.slice_mut().copy_from_slice(view.shape());
        Ok((view, shape))
    }

    fn single<D: Dimension>(&self, name: &str) -> Result<Array<f32, D>, Error> {
        let (view, shape) = self.view::<D>(name, &[Dtype::F32])?;
        Ok(filled(shape, singles(view.data())))
    }

    fn double(&self, name: &str) -> Result<Array1<f64>, Error> {
        let (view, shape) = self.view(name, &[Dtype::F64, Dtype::F32])?;
        if view.dtype() == Dtype::F32 {
            return Ok(filled(shape, singles(view.data()).map(f64::from)));
        }
        Ok(filled(shape, doubles(view.data())))
    }
}

/// Whether two tensors hold the same numbers; where only one of them is in single precision, once
/// the other is rounded to it.
pub(super) fn same(one: &TensorView<'_>, other: &TensorView<'_>) -> bool {
    let numbers = match (one.dtype(), other.dtype()) {
        (a, b) if a == b => one.data() == other.data(),
        (Dtype::F32, Dtype::F64) => singles(one.data()).eq(rounded(other.data())),
        (Dtype::F64, Dtype::F32) => rounded(one.data()).eq(singles(other.data())),
        _ => false,
    };
    numbers && one.shape() == other.shape()
}

/// The tensors of the normalisation, which is saved beside the network.
fn beside() -> [String; 2] {
    ["input_mean", "input_std"].map(str::to_owned)
}

/// What stands before the names of the network's tensors: nothing, or words that end in a dot.
fn prefix(tensors: &SafeTensors<'_>) -> String {
    let names = tensors.names();
    let mut before: Vec<_> = names.iter().filter_map(|name| name.strip_suffix(FIRST)).collect();
    before.retain(|prefix| prefix.ends_with('.'));
    before.sort_unstable();
    before.first().map_or(String::new(), |prefix| (*prefix).to_owned())
}

/// A value as Rust writes it: Python writes True and False, and a whole number perhaps as 5.0.
fn plain(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => text,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is the point")]
fn rounded(data: &[u8]) -> impl Iterator<Item = f32> {
    doubles(data).map(|v| v as f32)
}

fn doubles(data: &[u8]) -> impl Iterator<Item = f64> {
    data.as_chunks::<8>().0.iter().map(|v| f64::from_le_bytes(*v))
}

fn singles(data: &[u8]) -> impl Iterator<Item = f32> {
    data.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v))
}

/// The parser has checked that the data are as long as the shape says, and [`Reader::view`] that
/// no axis is 0, so the shape is no larger than the data.
fn filled<T, D: Dimension>(shape: D, values: impl Iterator<Item = T>) -> Array<T, D> {
    Array::from_shape_vec(shape.into_dimension(), values.collect())
        .expect("a tensor is as long as its shape says")
}

/// The name, shape and bytes of every weight array.
pub(super) fn tensors(parts: &Parts) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    fn one<D: Dimension>(name: &str, values: &Array<f32, D>) -> (String, Vec<usize>, Vec<u8>) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name.to_owned(), values.shape().to_vec(), bytes)
    }
    let layers = parts.layers.iter().enumerate().flat_map(|(l, layer)| {
        let [w_ih, w_hh, b_ih, b_hh] = weights(l);
        let matrices = [one(&w_ih, &layer.w_ih), one(&w_hh, &layer.w_hh)];
        matrices.into_iter().chain([one(&b_ih, &layer.b_ih), one(&b_hh, &layer.b_hh)])
    });
    let norm = parts.norm.iter().flat_map(|norm| {
        [one("layer_norm.weight", &norm.weight), one("layer_norm.bias", &norm.bias)]
    });
    let out = [one("out.weight", &parts.out_w), one("out.bias", &parts.out_b)];
    layers.chain(norm).chain(out).collect()
}

/// The file: the metadata sorted, so that the same model gives the same bytes.
pub(super) fn to_bytes(model: &Model) -> Result<Vec<u8>, SafeTensorError> {
    let parts = model.net.parts();
    let singles = tensors(parts).into_iter();
    let mut tensors: Vec<_> =
        singles.map(|(name, shape, bytes)| (name, Dtype::F32, shape, bytes)).collect();
    if let Some(scale) = &model.scale {
        for (name, values) in [("input_mean", scale.mean()), ("input_std", scale.std())] {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            tensors.push((name.to_owned(), Dtype::F64, values.shape().to_vec(), bytes));
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?))
    });
    let views: Vec<_> = views.collect::<Result<_, SafeTensorError>>()?;
    let metadata: HashMap<_, _> =
        [("lag", model.lag.to_string()), ("residual", parts.residual.to_string())]
            .into_iter()
            .chain(shown(&model.net))
            .chain(model.training.iter().flat_map(|training| {
                let seconds = training.time.as_secs_f64();
                [(SECONDS, seconds.to_string()), ("dropout", training.dropout.to_string())]
            }))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
    sorted(&safetensors::serialize(views, Some(metadata))?)
}

/// The same file with the names in its header sorted; the library leaves them in hash order.
fn sorted(file: &[u8]) -> Result<Vec<u8>, SafeTensorError> {
    let (len, _) = SafeTensors::read_metadata(file)?;
    let (start, data) = file.split_at(8 + len);
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(&start[8..])?;
    let mut text = serde_json::to_vec(&header)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok([&(text.len() as u64).to_le_bytes()[..], &text, data].concat())
}
