from pdfitc.app import create

app = create()
