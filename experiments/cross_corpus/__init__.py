"""Trained on some corpora, judged on another one: the recordings, the judges, the results, and the page that is made of them."""
