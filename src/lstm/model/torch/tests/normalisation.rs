//! The normalisation of the inputs, as a file may state it.

use super::*;

/// As `NumPy` pickles an array of one axis.
fn numpy(dtype: &str, order: &str, len: u8, bytes: &[u8]) -> Vec<u8> {
    [
        &b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"[..],
        &tuple(&[len]),
        b"cnumpy\ndtype\n",
        &text(dtype),
        b"\x89\x88\x87R(K\x03",
        &text(order),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C",
        &[u8::try_from(bytes.len()).unwrap()],
        bytes,
        b"tb",
    ]
    .concat()
}

#[test]
fn the_normalisation_is_an_array_of_numpy_or_a_list_or_a_tensor() {
    let doubles: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let singles: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let list = [
        b"](G".to_vec(),
        1.5_f64.to_be_bytes().to_vec(),
        b"G".to_vec(),
        (-2.0_f64).to_be_bytes().to_vec(),
        b"e".to_vec(),
    ];
    let mean = |mean: &[u8], is_normalised: bool| {
        let weights = [b"}".to_vec(), text("w"), tensor("1", 4, 0, &[4], &[1]), b"s".to_vec()];
        let mut items = [text("state_dict"), weights.concat(), text("normalize_input")].concat();
        items.push(if is_normalised { 0x88 } else { 0x89 });
        for name in ["input_mean", "input_std"] {
            items.extend([&text(name), mean].concat());
        }
        let file = converted(&[b"\x80\x02}(", &*items, b"u."].concat())?;
        let tensors = safetensors::SafeTensors::deserialize(&file).map_err(|e| e.to_string())?;
        Ok::<_, String>(tensors.tensor("input_mean").ok().map(|view| view.data().to_vec()))
    };
    for good in [&numpy("f8", "<", 2, &doubles), &numpy("f4", "<", 2, &singles), &list.concat()] {
        assert_eq!(mean(good, true).unwrap().unwrap(), doubles);
        assert_eq!(mean(good, false).unwrap(), None, "not normalised");
    }
    let tensor = mean(&tensor("0", 4, 0, &[2], &[1]), true).unwrap().unwrap();
    assert_eq!(tensor.len(), 8, "two floats");
    for bad in [
        numpy("f8", ">", 2, &doubles),
        numpy("i8", "<", 2, &doubles),
        numpy("f8", "<", 3, &doubles),
        numpy("f8", "<", 2, &doubles[..15]),
        b"N".to_vec(),
    ] {
        let why = mean(&bad, true).unwrap_err();
        assert!(why.contains("`input_mean`: found another value, expected an array"), "{why}");
    }
}

/// A dictionary of a state dictionary, which holds a tensor of 1 to 4 by this name, and of these
/// other items.
fn dictionary(tensor_name: &str, items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let weights = [b"}".to_vec(), text(tensor_name), tensor("1", 4, 0, &[4], &[1]), b"s".to_vec()];
    let items = items.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
    let state = [text("state_dict"), weights.concat()].concat();
    b"\x80\x02}(".iter().copied().chain(state).chain(items).chain(*b"u.").collect()
}

#[test]
fn a_normalisation_is_stated_once_and_with_its_flag() {
    let (yes, no, one) = (vec![0x88], vec![0x89], b"K\x01".to_vec());
    let bytes: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let turned: Vec<u8> = bytes.rchunks(8).flatten().copied().collect();
    let (array, other) = (numpy("f8", "<", 4, &bytes), numpy("f8", "<", 4, &turned));
    let none = b"N".to_vec();
    for (name, flag, mean, want) in [
        ("w", Some(&yes), &array, None),
        ("w", Some(&no), &array, None),
        ("w", Some(&no), &none, None),
        ("w", None, &none, None),
        ("input_mean", Some(&yes), &array, None),
        ("module.input_mean", Some(&yes), &array, None),
        ("input_mean", None, &none, None),
        (
            "w",
            None,
            &array,
            Some("`input_mean`: found it without `normalize_input`, expected True or False there"),
        ),
        (
            "w",
            Some(&one),
            &array,
            Some("`normalize_input`: found another value, expected True or False"),
        ),
        (
            "input_mean",
            Some(&yes),
            &other,
            Some(
                "`input_mean`: found other numbers than `input_mean` of `state_dict`, expected the \
                 same or one of the two",
            ),
        ),
        (
            "module.input_mean",
            Some(&no),
            &none,
            Some(
                "`module.input_mean`: found a tensor, expected none, as `normalize_input` is False",
            ),
        ),
    ] {
        let mut items = vec![("input_mean", mean.clone()), ("input_std", mean.clone())];
        items.extend(flag.map(|flag| ("normalize_input", flag.clone())));
        let got = converted(&dictionary(name, &items)).err();
        assert_eq!(got, want.map(|want| format!("m.pt: {want}")), "{name}");
    }
}

#[test]
fn a_normalisation_that_fits_no_network_is_named() {
    let bytes = to_bytes(&model(true, true)).unwrap();
    let scale = Scale::new(array![1.0, 2.0, 3.0], array![1.0, 1.0, 1.0]).unwrap();
    let options = Options { scale: Some(scale), ..Options::default() };
    let why = Model::from_bytes("m.pt", &bytes, &options).unwrap_err().to_string();
    assert!(why.contains("`input_mean`: found another normalisation"), "{why}");
}
