// Prepared states.

/** A label and what differs from the scene's own setup. */
const GALLERY = [
  ["A stable origin that 59 % of these starts never reach", { scene: "cycle" }],
  ["The same starts with a gate that opens slowly", { scene: "cycle", law: "averaged", gate_decay: 0.82 }],
  ["β₁ = 0.5: every start converges below the edge", { scene: "cycle", beta1: 0.5, alpha0: 5.7, x: 3 }],
  ["The rate pinned at B/L", { scene: "pinned" }],
  [
    "The averaged gate beyond the edge: bursts",
    { scene: "pinned", alpha0: 304, alpha1: 100, law: "averaged", gate_decay: 0.99, steps: 2000, at: 2000 },
  ],
  ["Chaos at 5 B", { scene: "bifurcation", alpha0: 190 }],
  [
    "Adam at the edge, with a gate",
    { scene: "sharpening", optimizer: "vradam", alpha0: 0.02, beta3: 0.1, steps: 5000, at: 5000 },
  ],
  ["Fair coins: the minimum repels", { scene: "bias", p: 0.5, size: 2, x: 0.1 }],
  ["Two gates in turn", { scene: "words", word: "oc", alpha0: 34 }],
  [
    "A word that grows at a twentieth of the edge",
    { scene: "words", alpha0: 1.9, word: "ooooccccccc", steps: 600, at: 600 },
  ],
  ["Just above the threshold of the opening law", { scene: "opening", gate_decay: 0.81 }],
  [
    "The gate that W1 tests: it follows the alignment of v and g",
    {
      scene: "free",
      gate: "alignment",
      law: "held",
      gate_decay: 0.95,
      w0: 10,
      alpha1: 100,
      alpha0: 0.01,
      objective: "rosenbrock",
      x: -1.2,
      y: 1,
      steps: 1000,
      at: 1000,
    },
  ],
  ["The smoothed gate's bound", { scene: "bounds", theorem: "smoothed" }],
  ["Himmelblau, four minima", { scene: "landscapes", objective: "himmelblau", x: -0.5, y: -4.5 }],
];
