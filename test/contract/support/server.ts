import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PushedImage, pushImage } from './release.ts'

/**
 * A server on port 8000 that reads each request whole, thinks for 20 ms (about /slow for $SLOW seconds, else 3), and answers with its $VERSION. MODE=crash ends
 * at once, MODE=sick has no /health, MODE=shy fails when it is asked through a proxy (a deploy asks again for ten seconds), MODE=brittle ends
 * then, which is found out at once, MODE=frail ends when somebody asks for /visit, MODE=secure
 * sends away who does not come by HTTPS. /path… tells the path, or the header, that it was asked with. It is ended without a chance to
 * finish: what it had not answered by then is lost.
 */
export function pushServer(registry: string): Promise<PushedImage> {
  return pushImage(registry, (context) => {
    writeFileSync(join(context, 'server.py'), server)
    mkdirSync(join(context, 'static'))
    writeFileSync(join(context, 'static/app.css'), 'a style\n')
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM python:3\nCOPY server.py /\nCOPY static /static/\nSTOPSIGNAL SIGKILL\nCMD ["python3", "/server.py"]\n',
    )
  })
}

const server = `import http.server, os, sys, time

version, mode = os.environ['VERSION'], os.environ.get('MODE')
if mode == 'crash':
    sys.exit('boom: no configuration')

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        if self.headers.get('Upgrade') == 'websocket':
            return self.echo()
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        time.sleep(float(os.environ.get('SLOW', 3)) if self.path == '/slow' else 0.02)
        if (mode == 'frail' and self.path == '/visit') or (mode == 'brittle' and 'X-Forwarded-For' in self.headers):
            os._exit(9)
        sick = mode == 'sick' and self.path == '/health'
        shy = mode == 'shy' and 'X-Forwarded-For' in self.headers
        plain = mode == 'secure' and self.headers.get('X-Forwarded-Proto') != 'https'
        body = (version + '\\n').encode()
        if '/path' in self.path:
            name = self.path.split('/path/')[-1]
            body = (self.headers.get(name, self.path) + '\\n' + version + '\\n').encode()
        if self.path == '/own-error':
            body = b'the application says so\\n'
            plain = False
        status = 404 if sick else 500 if shy else 301 if plain or self.path == '/away' else 503 if self.path == '/own-error' else 200
        self.send_response(status)
        if self.path == '/away':
            self.send_header('Location', '/login')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def echo(self):
        self.wfile.write(('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\nhello from ' + version + '\\n').encode())
        for line in self.rfile:
            self.wfile.write((version + ' heard ').encode() + line)
        self.close_connection = True

    do_GET = do_POST

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

print('starting', version, flush=True)
Server(('', 8000), Handler).serve_forever()
`
