"""What a spec and its rendered files alone can show: the contract is kept, and nothing clashes."""
