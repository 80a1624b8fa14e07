"""Mutations: input, payload and function, one file each."""
