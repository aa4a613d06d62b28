"""Tables that people hand in: layouts, designs, exclusions, pseudonyms, concentrations."""
