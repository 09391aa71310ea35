"""A page that shows in a browser what a robot without a screen sees and recognises."""
