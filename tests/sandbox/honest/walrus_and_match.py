# With statements of newer Pythons.
# task: backwards
def backwards(text):
    match list(text):
        case []:
            return ""
        case [first, *rest]:
            if rest := backwards(rest):
                return rest + first
            return first
