def html_report(c, v):
    return "x"
