def markdown_report(c, v):
    return "x"
