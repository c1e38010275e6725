//! Writes what `torch.load` reads with `weights_only=True`, and the loader of wsindy-manifold.
//!
//! That loader (`load_lstm_model` in `src/rom/lstm_rom.py`) takes the weights, the sizes and the
//! normalisation from this file alone. The two files that wsindy-manifold writes beside it,
//! `lstm_state_dict_raw.pt` and `lstm_normalization.npz`, repeat them for older programs.

use std::io::{Cursor, Write as _};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::super::format::{SECONDS, tensors};
use super::super::{Model, Scale};

/// The folder of all entries: the name of the file that wsindy-manifold writes.
const ROOT: &str = "lstm_state_dict";

/// The archive: without a date, so that the same model gives the same bytes.
pub(in super::super) fn to_bytes(model: &Model) -> ZipResult<Vec<u8>> {
    let tensors = tensors(model.net.parts());
    let mut pickle = Pickler::default();
    pickle.model(model, tensors.iter().map(|(name, shape, _)| (&**name, &**shape)));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| -> ZipResult<()> {
        // As torch does, so that storages can be mapped.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .with_alignment(64);
        zip.start_file(format!("{ROOT}/{name}"), options)?;
        Ok(zip.write_all(bytes)?)
    };
    add("data.pkl", &pickle.0)?;
    add("byteorder", b"little")?;
    for (key, (_, _, bytes)) in tensors.iter().enumerate() {
        add(&format!("data/{key}"), bytes)?;
    }
    add("version", b"3\n")?;
    Ok(zip.finish()?.into_inner())
}

/// A pickle of protocol 2, which grows.
#[derive(Default)]
struct Pickler(Vec<u8>);

impl Pickler {
    fn model<'a>(&mut self, model: &Model, tensors: impl Iterator<Item = (&'a str, &'a [usize])>) {
        let parts = model.net.parts();
        self.code(b"\x80\x02}(");
        self.text("state_dict");
        self.code(b"ccollections\nOrderedDict\n)R(");
        for (key, (name, shape)) in tensors.enumerate() {
            self.text(name);
            self.tensor(key, shape);
        }
        self.code(b"u");
        for (name, value) in [
            ("residual", parts.residual),
            ("normalize_input", model.scale.is_some()),
            ("use_layer_norm", parts.norm.is_some()),
        ] {
            self.text(name);
            self.code(if value { b"\x88" } else { b"\x89" });
        }
        for (name, numbers) in
            [("input_mean", Scale::mean as fn(&_) -> &_), ("input_std", Scale::std)]
        {
            self.text(name);
            match &model.scale {
                None => self.code(b"N"),
                Some(scale) => {
                    self.code(b"](");
                    for value in numbers(scale) {
                        self.float(*value);
                    }
                    self.code(b"e");
                }
            }
        }
        for (name, value) in [
            ("d", model.net.d()),
            ("hidden_units", model.net.units()),
            ("num_layers", parts.layers.len()),
            ("lag", model.lag),
        ] {
            self.text(name);
            self.length(value);
        }
        self.text("dropout");
        self.float(model.training.map_or(0.0, |training| training.dropout));
        if let Some(training) = model.training {
            self.text(SECONDS);
            self.float(training.time.as_secs_f64());
        }
        self.code(b"u.");
    }

    /// A tensor in rows that has a storage to itself.
    fn tensor(&mut self, key: usize, shape: &[usize]) {
        let len = shape.iter().product();
        self.code(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.code(b"ctorch\nFloatStorage\n");
        self.text(&key.to_string());
        self.text("cpu");
        self.length(len);
        self.code(b"tQ");
        self.length(0);
        self.code(b"(");
        shape.iter().for_each(|len| self.length(*len));
        self.code(b"t(");
        for axis in 0..shape.len() {
            self.length(shape[axis + 1..].iter().product());
        }
        self.code(b"t\x89ccollections\nOrderedDict\n)RtR");
    }

    fn code(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        let len = u32::try_from(text.len()).expect("names are short");
        self.code(b"X");
        self.code(&len.to_le_bytes());
        self.code(text.as_bytes());
    }

    fn length(&mut self, value: usize) {
        self.code(b"\x8a\x08");
        self.code(&(value as u64).to_le_bytes());
    }

    fn float(&mut self, value: f64) {
        self.code(b"G");
        self.code(&value.to_be_bytes());
    }
}
