//! Model files for the tests, made here: safetensors files, and PyTorch archives as `torch.save` writes them.
#![allow(dead_code, reason = "each test program uses some of it")]

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::HashMap;
use std::io::Write;
use zip::write::SimpleFileOptions;

/// A named tensor: element type, shape, little-endian bytes.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

pub fn f32s(name: &str, shape: &[usize], data: &[f32]) -> Tensor {
    let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
}

pub fn i32s(name: &str, shape: &[usize], data: &[i32]) -> Tensor {
    let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { name: name.into(), dtype: Dtype::I32, shape: shape.to_vec(), bytes }
}

pub fn i64s(name: &str, shape: &[usize], data: &[i64]) -> Tensor {
    let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { name: name.into(), dtype: Dtype::I64, shape: shape.to_vec(), bytes }
}

pub fn u8s(name: &str, data: &[u8]) -> Tensor {
    Tensor { name: name.into(), dtype: Dtype::U8, shape: vec![data.len()], bytes: data.to_vec() }
}

/// A safetensors file, with a graph description or without.
pub fn safetensors(tensors: &[Tensor], description: Option<&str>) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|t| (t.name.clone(), TensorView::new(t.dtype, t.shape.clone(), &t.bytes).expect("bytes fill the shape")));
    let metadata = description.map(|text| HashMap::from([("leafgate.graph".to_owned(), text.to_owned())]));
    safetensors::serialize(views, metadata).unwrap()
}

/// What `torch.save` of an ordered dict writes.
pub fn torch(tensors: &[Tensor]) -> Vec<u8> {
    torch_with(tensors, &pickle(tensors))
}

/// A PyTorch archive with a pickle of the caller's.
pub fn torch_with(tensors: &[Tensor], pickle: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut file = |name: String, bytes: &[u8]| {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    };
    file("model/data.pkl".into(), pickle);
    file("model/byteorder".into(), b"little");
    for (key, tensor) in tensors.iter().enumerate() {
        file(format!("model/data/{key}"), &tensor.bytes);
    }
    file("model/version".into(), b"3\n");
    archive.finish().unwrap().into_inner()
}

/// The pickle of an ordered dict of contiguous tensors, protocol 2.
pub fn pickle(tensors: &[Tensor]) -> Vec<u8> {
    let mut p = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (key, tensor) in tensors.iter().enumerate() {
        let storage = match tensor.dtype {
            Dtype::F32 => "FloatStorage",
            Dtype::I64 => "LongStorage",
            other => panic!("{other:?}"),
        };
        let elements: usize = tensor.shape.iter().product();
        text(&mut p, &tensor.name);
        p.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut p, "storage");
        p.extend(format!("ctorch\n{storage}\n").bytes());
        text(&mut p, &key.to_string());
        text(&mut p, "cpu");
        int(&mut p, elements);
        p.extend(b"tQ");
        int(&mut p, 0);
        let strides = (0..tensor.shape.len()).map(|axis| tensor.shape[axis + 1..].iter().product());
        for dims in [tensor.shape.clone(), strides.collect::<Vec<usize>>()] {
            p.push(b'(');
            dims.iter().for_each(|dim| int(&mut p, *dim));
            p.push(b't');
        }
        p.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    p.extend(b"u.");
    p
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.bytes());
}

fn int(pickle: &mut Vec<u8>, value: usize) {
    pickle.push(b'J');
    pickle.extend((value as i32).to_le_bytes());
}

/// The tiny network of the fastfeedforward package: I = 3, l = 2, O = 2, d = 2.
pub fn tiny_fff(prefix: &str) -> Vec<Tensor> {
    let leaves =
        |values: &[f32]| -> Vec<f32> { (1..=4).flat_map(|leaf| values.iter().map(move |v| v * leaf as f32)).collect() };
    let w2: Vec<f32> = (0..4).flat_map(|leaf| [1.0, 2.0, -1.0, 0.5].map(|v| v + leaf as f32)).collect();
    let p = |name: &str| format!("{prefix}{name}");
    vec![
        i64s(&p("depth"), &[], &[2]),
        f32s(&p("node_weights"), &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        f32s(&p("node_biases"), &[3, 1], &[0.0, -0.5, 0.25]),
        f32s(&p("w1s"), &[4, 3, 2], &leaves(&[1.0, -1.0, 2.0, 0.5, -1.0, 1.0])),
        f32s(&p("b1s"), &[4, 2], &leaves(&[0.5, -0.25])),
        f32s(&p("w2s"), &[4, 2, 2], &w2),
        f32s(&p("b2s"), &[4, 2], &leaves(&[10.0, -10.0])),
    ]
}
