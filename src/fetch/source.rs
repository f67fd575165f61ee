//! The datasets, their publishers' addresses, and the sums of their files.

/// A file on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name in the dataset's folder.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What a person calls it, and the name of its folder.
    pub name: String,
    /// Who made it, and under which terms.
    pub about: String,
    /// Its files; one if `members` are named.
    pub files: Vec<Remote>,
    /// The files of a gzipped tar archive that are kept; empty for files that are used as they are.
    pub members: Vec<String>,
}

/// Every dataset that can be fetched by name.
///
/// The addresses are the publishers'; MNIST's own server is closed to programs, so its files come from the copy that its
/// distributor of old keeps. Sums: of the files as published (CIFAR-10's page gives MD5 c32a1d4ab5d03f1284b67883e8d87530 for the
/// same archive), the same in TensorFlow Datasets and torchvision.
pub fn sources() -> Vec<Source> {
    let idx = |base: &str, sums: [(&str, &str, u64); 4]| {
        let file = |(name, sha256, bytes): (&str, &str, u64)| {
            let name = format!("{name}-ubyte.gz");
            Remote { url: format!("{base}/{name}"), name, sha256: sha256.into(), bytes }
        };
        sums.into_iter().map(file).collect()
    };
    let cifar = Remote {
        name: "cifar-10-binary.tar.gz".into(),
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz".into(),
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd".into(),
        bytes: 170_052_171,
    };
    let batches = (1..=5).map(|number| format!("data_batch_{number}.bin"));
    vec![
        Source {
            name: "cifar10".into(),
            about: "60,000 colour images in ten classes, Krizhevsky 2009; free for research".into(),
            files: vec![cifar],
            members: batches.chain(["test_batch.bin".into(), "batches.meta.txt".into()]).collect(),
        },
        Source {
            name: "mnist".into(),
            about: "70,000 handwritten digits, LeCun, Cortes and Burges; CC BY-SA 3.0".into(),
            files: idx(
                "https://storage.googleapis.com/cvdf-datasets/mnist",
                [
                    (
                        "train-images-idx3",
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                        9_912_422,
                    ),
                    ("train-labels-idx1", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
                    ("t10k-images-idx3", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
                    ("t10k-labels-idx1", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
                ],
            ),
            members: Vec::new(),
        },
        Source {
            name: "fashion-mnist".into(),
            about: "70,000 pictures of clothes, Zalando Research 2017; MIT".into(),
            files: idx(
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                [
                    (
                        "train-images-idx3",
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                        26_421_880,
                    ),
                    ("train-labels-idx1", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
                    ("t10k-images-idx3", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
                    ("t10k-labels-idx1", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
                ],
            ),
            members: Vec::new(),
        },
    ]
}
