"""From somebody's own labelled recordings to a bundle, in minutes and from few examples.

`examples` reads a store, `splitting` keeps people apart, `recorded` draws augmented windows,
`batches` mixes them with others, acted and filmed (`filmed`), `validating` judges people that
training never saw, `making` puts it together. Networks, losses and optimiser are those of
`training.describing`.
"""
