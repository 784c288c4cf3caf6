# Source without a function.
# task: total
