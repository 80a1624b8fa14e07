"""What may be asked and done: plain async functions, no GraphQL, no HTTP."""
