"""What is true: values, rules, events, errors and ports, without I/O, clocks or frameworks."""
