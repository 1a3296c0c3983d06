// An outside issuer in a process of its own, so that its work is not counted: its keys, and what it says of opaque tokens.
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'

const HOUR_SECONDS = 3_600

process.once('message', ({ tls, jwks, resource, subject }) => {
  const server = createServer(tls, async (request, response) => {
    const answer = request.url === '/jwks' ? { keys: jwks } : told(await text(request))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const told = () => ({
    active: true,
    sub: subject,
    aud: resource,
    exp: Math.floor(Date.now() / 1_000) + HOUR_SECONDS,
    groups: ['r0'],
    org: 't0',
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
})
process.once('disconnect', () => process.exit())
