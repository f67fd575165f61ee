//! The declared table: every setting of every run stands in this file.

use crate::attack::Pgd;
use crate::loss::Loss;
use crate::model::LeNet;
use crate::train::{Adversary, Trainer};

/// The smallest change of a median distance, relative, that counts as an effect.
pub const SMALLEST_EFFECT: f64 = 0.05;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Two small networks of digits in seconds: for tests and a first look, no evidence.
    Tiny,
    /// LeNet, three seeds for the paper's comparison and one for the baselines.
    Quick,
    /// Both networks, five seeds, twice the images; baselines with three seeds on LeNet and one on the wide network.
    Full,
}

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// 64-32-16-1, fully connected, for the digits.
    Mlp,
    /// 6-16-120-84, the usual LeNet; 84 features as in the paper's figure 3.
    LeNet,
    /// 12-32-240-192, the network of the first author's 2019 code.
    Wide,
}

impl Network {
    /// The name in file names and tables.
    pub fn name(self) -> &'static str {
        match self {
            Network::Mlp => "mlp",
            Network::LeNet => "lenet",
            Network::Wide => "wide",
        }
    }

    pub(super) fn lenet(self) -> LeNet {
        if self == Network::Wide { LeNet::wide() } else { LeNet::default() }
    }
}

/// A way to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The name in file names and tables.
    pub name: &'static str,
    /// Whether the comparison needs all seeds.
    pub core: bool,
    /// Loss, bias, decay, adversary; the scale sets the rest.
    pub trainer: Trainer,
}

/// Every way to train that is compared.
pub fn methods() -> Vec<Method> {
    let plain = Trainer { batch: 50, learning_rate: 0.005, momentum: 0.9, silent: true, ..Trainer::default() };
    let method = |name, core, trainer| Method { name, core, trainer };
    let loss = |loss: Loss| Trainer { loss, ..plain.clone() };
    // 4/255 in Linf, the middle of the radii that are reported.
    let pgd = Pgd { epsilon: 4.0 / 255.0, steps: 7, random_start: true, ..Pgd::default() };
    vec![
        method("cross-entropy", true, plain.clone()),
        method("differential", true, loss(Loss::Differential)),
        method("squared-pairs", true, loss(Loss::SquaredPairs)),
        method("squared-hinge-pairs", true, loss(Loss::SquaredHingePairs)),
        // Of the 625 pairs of a batch. With a tenth of them, or at 0.005, the net stays where all scores are equal: each step
        // moves what is worst then, and undoes the last.
        method("hardest-pairs", true, Trainer { learning_rate: 0.02, ..loss(Loss::HardestPairs(250)) }),
        method("ce-centred", true, Trainer { centre_features: true, ..plain.clone() }),
        method("ce-bias-x10", false, Trainer { bias_scale: 10.0, learning_rate: 0.001, ..plain.clone() }),
        method("ce-no-bias", false, Trainer { bias_scale: 0.0, ..plain.clone() }),
        method("ce-weight-decay", false, Trainer { weight_decay: 0.005, ..plain.clone() }),
        method("hinge-weight-decay", false, Trainer { weight_decay: 0.005, ..loss(Loss::Hinge) }),
        method("square", false, loss(Loss::Square)),
        method("label-smoothing", false, loss(Loss::LabelSmoothing(0.1))),
        method("logit-squeezing", false, loss(Loss::LogitSqueezing(0.05))),
        method(
            "pgd-training",
            false,
            Trainer { adversary: Some(Adversary { pgd: pgd.clone(), trades: None }), ..plain.clone() },
        ),
        method("trades", false, Trainer { adversary: Some(Adversary { pgd, trades: Some(6.0) }), ..plain }),
    ]
}

/// One run: the unit that is resumed.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of its files.
    pub id: String,
    /// What is done.
    pub kind: Kind,
    /// Starting parameters, order of examples, random starts.
    pub seed: u64,
}

/// What a run does.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The exact linear cases of the paper's theory.
    Synthetic {
        /// Draws of figure 2's two clouds.
        draws: u64,
    },
    /// Trains one network and attacks it.
    Train {
        /// Which.
        network: Network,
        /// How.
        method: Box<Method>,
        /// Images of each set that are attacked, the first ones; 0 for training only.
        images: usize,
        /// Whether the attacked images are kept for the reader.
        samples: bool,
        /// The share of an undecided net's loss at which the comparison at equal training loss is made.
        matched: Option<f64>,
    },
    /// What was made against one network of a seed, tried on the other.
    Transfer {
        /// Which.
        network: Network,
        /// Images of the test set.
        images: usize,
    },
}

impl Run {
    /// Runs that need one another's networks share it, and so a shard.
    pub fn group(&self) -> String {
        match &self.kind {
            Kind::Synthetic { .. } => "synthetic".into(),
            Kind::Train { network, .. } | Kind::Transfer { network, .. } => format!("{}-{}", network.name(), self.seed),
        }
    }

    /// Very roughly, what it costs beside the others: for the time left.
    pub fn weight(&self) -> f64 {
        match &self.kind {
            Kind::Synthetic { .. } | Kind::Transfer { .. } => 0.1,
            Kind::Train { network, method, images, .. } => {
                let epoch = if *network == Network::Wide { 2.0 } else { 1.0 };
                let attacked = method.trainer.adversary.as_ref().map_or(1.0, |a| a.pgd.steps as f64 + 1.0);
                epoch * (method.trainer.epochs as f64 * attacked * 0.33 + *images as f64 * 0.25)
            }
        }
    }
}

/// The radii of the curves in Linf, in units of [0, 1].
pub(super) const RADII: [f64; 6] = [1.0 / 255.0, 2.0 / 255.0, 4.0 / 255.0, 8.0 / 255.0, 12.0 / 255.0, 16.0 / 255.0];
/// The radius of the published protocol: 0.3 of the range.
pub(super) const PUBLISHED: f64 = 0.3;
/// Steps of every attack with a radius.
pub(super) const STEPS: usize = 40;
/// Factors of the last layer in the logit-scale test.
pub(super) const FACTORS: [f64; 3] = [1.0, 20.0, 200.0];
/// The radius of the masking panel and the transfer: 4/255.
pub(super) const PANEL: f64 = 4.0 / 255.0;

/// All runs of a scale in their order; `seeds` replaces the scale's own number.
pub fn table(scale: Scale, seeds: Option<u64>) -> Vec<Run> {
    // After 30 epochs cross-entropy has a tenth of an undecided net's loss, where the comparison at equal loss is made.
    let (networks, own_seeds, baseline_seeds, epochs, images): (&[Network], u64, u64, usize, usize) = match scale {
        Scale::Tiny => (&[Network::Mlp], 2, 0, 6, 12),
        Scale::Quick => (&[Network::LeNet], 3, 1, 30, 50),
        Scale::Full => (&[Network::LeNet, Network::Wide], 5, 3, 30, 100),
    };
    let seeds = seeds.unwrap_or(own_seeds);
    let draws = if scale == Scale::Tiny { 10 } else { 500 };
    let mut runs = vec![Run { id: "synthetic".into(), kind: Kind::Synthetic { draws }, seed: 0 }];
    for network in networks {
        // The comparison first, so that an unfinished table answers the most.
        for core in [true, false] {
            // One seed of each baseline on the larger network: it confirms, and costs twice as much.
            let baseline_seeds = if *network == Network::Wide { 1 } else { baseline_seeds };
            for seed in 0..if core { seeds } else { baseline_seeds.min(seeds) } {
                for method in methods().into_iter().filter(|method| method.core == core) {
                    let compared = ["cross-entropy", "differential"].contains(&method.name);
                    if scale == Scale::Tiny && !compared {
                        continue;
                    }
                    let pairwise = method.trainer.loss.is_pairwise();
                    let mut trainer = Trainer { epochs, seed, ..method.trainer.clone() };
                    if scale == Scale::Tiny {
                        // 239 images: few steps, so larger ones.
                        (trainer.batch, trainer.learning_rate) = (20, 0.05);
                    }
                    let kind = Kind::Train {
                        network: *network,
                        images,
                        samples: seed == 0 && compared,
                        matched: (pairwise || method.name == "cross-entropy").then_some(0.1),
                        method: Box::new(Method { trainer, ..method.clone() }),
                    };
                    runs.push(Run { id: format!("{}-{}-{seed}", network.name(), method.name), kind, seed });
                }
                if core {
                    let kind = Kind::Transfer { network: *network, images };
                    runs.push(Run { id: format!("{}-transfer-{seed}", network.name()), kind, seed });
                }
            }
        }
        // How many pairs are needed: an epoch with batches of b examples draws a share b/n of all pairs.
        for batch in [10, 50, 250] {
            let Some(method) = methods().into_iter().find(|method| method.name == "differential") else { continue };
            if scale == Scale::Tiny {
                continue;
            }
            let epochs = if batch == 10 { 6 } else { epochs };
            let learning_rate = method.trainer.learning_rate * f64::from(batch) / 50.0;
            let trainer = Trainer { batch: batch as usize, learning_rate, epochs, seed: 0, ..method.trainer.clone() };
            let method = Box::new(Method { trainer, ..method });
            let kind = Kind::Train { network: *network, method, images: 0, samples: false, matched: None };
            runs.push(Run { id: format!("{}-pairs-{batch}-0", network.name()), kind, seed: 0 });
        }
    }
    runs
}
