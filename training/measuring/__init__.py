"""What a bundle is worth: measured on real hands, drawn people and clips, beside a peer.

Each module measures one thing and knows nothing of the others: `landmarks`, `photographs`,
`hand_shapes`, `unknown`, `idle`, `reaction`, `drawn`, `fewshot`. What they share: `shapes` (which
label means what to whom), `data` (the real data), `judging` (a bundle asked about held poses),
`extraction` and `films` (keypoints through the estimator, kept between runs), `following`
(events over time), `figures` and `reporting`.

The HaGRID photographs and landmarks are for tests only: nothing here chooses anything by them.
"""
