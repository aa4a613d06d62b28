"""Figures: results in, matplotlib Axes out; nothing is computed here.

Functions that take an Axes draw on it and return it; those named ``..._figure``, ``..._page`` and
``..._pages`` (and ``panels``, ``forest``) make figures of a journal's size. Each lives in the
module of its subject: ``panels``, ``forest``, ``trajectories``, ``heatmap``, ``companions``,
``curves``, ``plates``; saving and colours in ``style``.
"""
