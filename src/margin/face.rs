//! The shortest combination of a few rows whose weights sum to 1 in each group, weights of any sign.
//!
//! With A the rows as columns, E their groups and σ the size of a row: L Lᵀ = AᵀA + σ² EᵀE is kept under insertion
//! (one triangular solve) and removal (rotations), O(k²) each. A Gram matrix squares the condition, so its solution is
//! only a first guess: it is refined with residuals taken from the rows themselves until all members of a group have the
//! same value along the result, to rounding. If that stalls, a pivoted QR of the differences takes over.
//!
//! Source: Wolfe, Mathematical Programming 11 (1976), for the factor; Björck, Numerical Methods for Least Squares
//! Problems (1996), section 6.6, for refining the seminormal equations.

use super::hulls::Hulls;
use super::points::{add_scaled, dot, length};
use faer::linalg::solvers::SolveLstsq;
use faer::{Mat, Side};

/// Rounds of refinement; two do for a condition up to 1e5.
const MOST_ROUNDS: usize = 8;
/// A row nearer than this share of its size to the span of the others adds nothing that rounding would leave.
const DEPENDENT: f64 = 1e-13;

#[derive(Clone)]
pub(super) struct Face<'h> {
    hulls: &'h Hulls,
    /// Rows in use, with their weights.
    pub members: Vec<usize>,
    pub weights: Vec<f64>,
    /// The lower triangular factor, row i of length i + 1.
    factor: Vec<Vec<f64>>,
    sigma: f64,
}

/// The shortest combination.
pub(super) struct Shortest {
    pub weights: Vec<f64>,
    pub point: Vec<f64>,
}

impl<'h> Face<'h> {
    pub fn new(hulls: &'h Hulls) -> Self {
        Self { hulls, members: Vec::new(), weights: Vec::new(), factor: Vec::new(), sigma: hulls.norm }
    }

    /// A face of these rows with these weights, from the Gram matrix of exactly these rows.
    pub fn from_gram(hulls: &'h Hulls, members: &[usize], weights: &[f64], gram: &Mat<f64>) -> Self {
        let mut face = Self::new(hulls);
        let k = members.len();
        let joined = |i: usize, j: usize| gram[(i, j)] + face.together(members[i], members[j]);
        if let Ok(llt) = Mat::from_fn(k, k, joined).llt(Side::Lower) {
            let lower = llt.L();
            let sound = (0..k).all(|i| lower[(i, i)] > 1e-6 * face.sigma);
            if sound {
                face.factor = (0..k).map(|i| (0..=i).map(|j| lower[(i, j)]).collect()).collect();
                (face.members, face.weights) = (members.to_vec(), weights.to_vec());
                return face;
            }
        }
        for (i, weight) in members.iter().zip(weights) {
            if face.insert(*i) {
                *face.weights.last_mut().expect("just inserted") = *weight;
            }
        }
        // What dependent rows held goes to the others of their group.
        face.normalise();
        face
    }

    /// σ² for rows of one group: their entry in σ² EᵀE.
    fn together(&self, i: usize, j: usize) -> f64 {
        if self.hulls.group(i) == self.hulls.group(j) { self.sigma * self.sigma } else { 0.0 }
    }

    /// Adds row `i` with weight 0; false if it depends on the others.
    pub fn insert(&mut self, i: usize) -> bool {
        let row = self.hulls.row(i);
        let size = dot(row, row) + self.sigma * self.sigma;
        let right: Vec<f64> =
            self.members.iter().map(|j| dot(self.hulls.row(*j), row) + self.together(i, *j)).collect();
        let mut entry = self.forward(right);
        let mut rest = size - dot(&entry, &entry);
        if rest < 1e-6 * size {
            // The difference of two large numbers: from the vector that is left over instead, twice for orthogonality.
            let mut left = row.to_vec();
            let mut tops: Vec<f64> = (0..self.hulls.groups()).map(|g| self.top(i, g)).collect();
            let mut step = entry.clone();
            for round in 0..3 {
                if round > 0 {
                    let along = self
                        .members
                        .iter()
                        .map(|j| dot(self.hulls.row(*j), &left) + self.sigma * tops[self.hulls.group(*j)]);
                    step = self.forward(along.collect());
                    entry.iter_mut().zip(&step).for_each(|(e, s)| *e += s);
                }
                for (j, c) in self.members.iter().zip(self.backward(step.clone())) {
                    add_scaled(&mut left, -c, self.hulls.row(*j));
                    tops[self.hulls.group(*j)] -= c * self.sigma;
                }
            }
            rest = dot(&left, &left) + dot(&tops, &tops);
        }
        if !(rest > DEPENDENT * DEPENDENT * size) {
            return false;
        }
        entry.push(rest.sqrt());
        self.factor.push(entry);
        self.members.push(i);
        self.weights.push(0.0);
        true
    }

    fn top(&self, i: usize, group: usize) -> f64 {
        if self.hulls.group(i) == group { self.sigma } else { 0.0 }
    }

    /// Takes the row at place `at` out.
    pub fn remove(&mut self, at: usize) {
        self.members.remove(at);
        self.weights.remove(at);
        self.factor.remove(at);
        // Rows below are one entry too long: rotate neighbouring columns until they fit.
        for c in at..self.factor.len() {
            let (p, q) = (self.factor[c][c], self.factor[c][c + 1]);
            let r = p.hypot(q);
            let (cos, sin) = if r == 0.0 { (1.0, 0.0) } else { (p / r, q / r) };
            for row in &mut self.factor[c..] {
                let (p, q) = (row[c], row[c + 1]);
                row[c] = cos * p + sin * q;
                row[c + 1] = cos * q - sin * p;
            }
            self.factor[c].truncate(c + 1);
        }
    }

    /// Makes the weights of each group sum to 1.
    pub fn normalise(&mut self) {
        for group in 0..self.hulls.groups() {
            let mine = |i: &usize| self.hulls.group(*i) == group;
            let total: f64 = self.members.iter().zip(&self.weights).filter(|(i, _)| mine(i)).map(|(_, w)| w).sum();
            let count = self.members.iter().filter(|i| mine(i)).count() as f64;
            let each = self.members.iter().zip(&mut self.weights).filter(|(i, _)| mine(i));
            each.for_each(|(_, w)| *w = if total > 0.0 { *w / total } else { 1.0 / count });
        }
    }

    /// The place of the newest row that is not the only one of its group.
    pub fn spare(&self) -> Option<usize> {
        let group = |i: &usize| self.hulls.group(*i);
        let alone = |i: &usize| self.members.iter().filter(|j| group(j) == group(i)).count() == 1;
        self.members.iter().rposition(|i| !alone(i))
    }

    /// L⁻¹ right.
    fn forward(&self, mut right: Vec<f64>) -> Vec<f64> {
        for (i, row) in self.factor.iter().enumerate() {
            right[i] = (right[i] - dot(&row[..i], &right[..i])) / row[i];
        }
        right
    }

    /// L⁻ᵀ right.
    fn backward(&self, mut right: Vec<f64>) -> Vec<f64> {
        for (i, row) in self.factor.iter().enumerate().rev() {
            right[i] /= row[i];
            let solved = right[i];
            add_scaled(&mut right[..i], -solved, &row[..i]);
        }
        right
    }

    /// Weights of the shortest combination, and the combination. None if neither way gives finite numbers.
    pub fn shortest(&self) -> Option<Shortest> {
        self.refined().or_else(|| self.by_differences())
    }

    /// The values of the members along `u`, and how far the values of a group are apart at most.
    pub fn values(&self, u: &[f64]) -> (Vec<f64>, f64) {
        let values: Vec<f64> = self.members.iter().map(|i| dot(self.hulls.row(*i), u)).collect();
        let mut range = vec![(f64::INFINITY, f64::NEG_INFINITY); self.hulls.groups()];
        for (i, v) in self.members.iter().zip(&values) {
            let (low, high) = &mut range[self.hulls.group(*i)];
            (*low, *high) = (low.min(*v), high.max(*v));
        }
        let spread = range.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
        (values, spread)
    }

    fn refined(&self) -> Option<Shortest> {
        let groups = self.hulls.groups();
        let belongs = |g: usize| self.members.iter().map(move |i| f64::from(u8::from(self.hulls.group(*i) == g)));
        // (L Lᵀ)⁻¹ Eᵀ: how the weights answer to the two sums.
        let answers: Vec<Vec<f64>> = (0..groups).map(|g| self.backward(self.forward(belongs(g).collect()))).collect();
        let sums = |weights: &[f64]| -> Vec<f64> {
            let mut sums = vec![0.0; groups];
            self.members.iter().zip(weights).for_each(|(i, w)| sums[self.hulls.group(*i)] += w);
            sums
        };
        let table: Vec<Vec<f64>> = answers.iter().map(|a| sums(a)).collect();
        // Adds the multiples of `answers` that change the sums by `wanted`.
        let correct = |weights: &mut Vec<f64>, wanted: &[f64]| {
            let multiples = if groups == 1 {
                vec![wanted[0] / table[0][0]]
            } else {
                let determinant = table[0][0] * table[1][1] - table[0][1] * table[1][0];
                vec![
                    (wanted[0] * table[1][1] - wanted[1] * table[1][0]) / determinant,
                    (wanted[1] * table[0][0] - wanted[0] * table[0][1]) / determinant,
                ]
            };
            answers.iter().zip(multiples).for_each(|(a, m)| add_scaled(weights, m, a));
        };
        let mut weights = vec![0.0; self.members.len()];
        correct(&mut weights, &vec![1.0; groups]);
        let mut point = self.combine(&weights);
        let mut last = f64::INFINITY;
        for _ in 0..MOST_ROUNDS {
            let (values, spread) = self.values(&point);
            if !spread.is_finite() {
                return None;
            }
            // Rounding of a value: each coordinate of the point is right to its own rounding only.
            let floor = 2.0 * f64::EPSILON * self.hulls.norm * length(&point);
            if spread <= floor {
                return Some(Shortest { weights, point });
            }
            if spread > 0.25 * last {
                let settled = spread <= 16.0 * floor || length(&point) <= 1e-12 * self.hulls.norm;
                return settled.then_some(Shortest { weights, point });
            }
            last = spread;
            let mut step = self.backward(self.forward(values.iter().map(|v| -v).collect()));
            let wanted: Vec<f64> = sums(&step).iter().map(|s| -s).collect();
            correct(&mut step, &wanted);
            weights.iter_mut().zip(&step).for_each(|(w, s)| *w += s);
            self.members.iter().zip(&step).for_each(|(i, s)| add_scaled(&mut point, *s, self.hulls.row(*i)));
        }
        (last <= 16.0 * f64::EPSILON * self.hulls.norm * length(&point)).then_some(Shortest { weights, point })
    }

    /// The same by a column-pivoted QR of the differences to one row of each group.
    fn by_differences(&self) -> Option<Shortest> {
        let groups = self.hulls.groups();
        let first = |g: usize| self.members.iter().position(|i| self.hulls.group(*i) == g);
        let bases: Vec<usize> = (0..groups).filter_map(first).collect();
        let others: Vec<usize> = (0..self.members.len()).filter(|at| !bases.contains(at)).collect();
        let base = |at: usize| self.hulls.row(self.members[bases[self.hulls.group(self.members[at])]]);
        let row = |at: usize| self.hulls.row(self.members[at]);
        let mut weights = vec![0.0; self.members.len()];
        bases.iter().for_each(|at| weights[*at] = 1.0);
        let mut point = self.combine(&weights);
        if others.len() > self.hulls.d {
            return None;
        }
        if !others.is_empty() {
            let differences = Mat::from_fn(self.hulls.d, others.len(), |k, j| row(others[j])[k] - base(others[j])[k]);
            let qr = differences.col_piv_qr();
            // Twice: the second pass removes what the first left along the differences.
            for _ in 0..2 {
                let solved = qr.solve_lstsq(&Mat::from_fn(self.hulls.d, 1, |k, _| -point[k]));
                for (j, at) in others.iter().enumerate() {
                    let step = solved[(j, 0)];
                    if !step.is_finite() {
                        return None;
                    }
                    weights[*at] += step;
                    weights[bases[self.hulls.group(self.members[*at])]] -= step;
                    for k in 0..self.hulls.d {
                        point[k] += step * differences[(k, j)];
                    }
                }
            }
        }
        Some(Shortest { weights, point })
    }

    pub fn combine(&self, weights: &[f64]) -> Vec<f64> {
        let mut point = vec![0.0; self.hulls.d];
        self.members.iter().zip(weights).for_each(|(i, w)| add_scaled(&mut point, *w, self.hulls.row(*i)));
        point
    }

    /// What the factor says about combinations near the shortest; None if it is too badly conditioned to say anything.
    pub fn condition(&self) -> Option<Condition> {
        let k = self.members.len();
        let squares: f64 = self.factor.iter().map(|row| dot(row, row)).sum();
        // The inverse of L, column by column, in the Frobenius norm.
        let mut inverse = 0.0;
        for c in 0..k {
            let mut column = vec![0.0; k];
            column[c] = 1.0 / self.factor[c][c];
            for i in c + 1..k {
                let row = &self.factor[i];
                column[i] = -dot(&row[c..i], &column[c..i]) / row[i];
            }
            inverse += dot(&column[c..], &column[c..]);
        }
        // The Gram matrix and its factor are rounded: lengths measured with L are off by this share at most.
        let doubt = 4.0 * (k + self.hulls.d + 8) as f64 * f64::EPSILON * squares * inverse;
        (doubt < 0.1).then(|| Condition { inverse: inverse.sqrt(), doubt })
    }

    /// The length of L⁻¹ `residuals`: for values along a combination that differ from the mean of their group by
    /// `residuals`, how far it is from the shortest one.
    pub fn distance(&self, residuals: Vec<f64>) -> f64 {
        length(&self.forward(residuals))
    }
}

/// A bound on the norm of L⁻¹, and the relative rounding of lengths measured with L.
pub(super) struct Condition {
    pub inverse: f64,
    pub doubt: f64,
}
