import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RequestWriter } from '../../../src/upstream/http1/request.ts'

describe('a request to an upstream', () => {
  const writer = new RequestWriter(new URL('https://up.example:8443/mcp?a=1'))

  it('is written with its host, its headers and the length of its body in bytes', () => {
    const text = writer.text({ method: 'POST', headers: ['accept', 'a', 'x-b', 'c'], body: '{"é":1}' })
    const head = 'POST /mcp?a=1 HTTP/1.1\r\nhost: up.example:8443\r\naccept: a\r\nx-b: c\r\n'
    assert.equal(text, `${head}content-length: 8\r\n\r\n{"é":1}`)
    assert.equal(writer.text({ method: 'GET', headers: [] }), 'GET /mcp?a=1 HTTP/1.1\r\nhost: up.example:8443\r\n\r\n')
  })

  it('is not written with a header that would end its line', () => {
    for (const value of ['a\r\nb: c', 'a\nb', 'ä', 'a\0'])
      for (const headers of [['x', value], Object.freeze(['x', value])])
        for (let times = 0; times < 2; times++)
          assert.throws(() => writer.text({ method: 'POST', headers, body: '' }), TypeError)
  })

  it('is written anew when its list of headers has changed, and alike when it is one that cannot', () => {
    const headers = ['authorization', 'one']
    assert.match(writer.text({ method: 'POST', headers }), /authorization: one/)
    headers[1] = 'two'
    assert.match(writer.text({ method: 'POST', headers }), /authorization: two/)
    const kept = Object.freeze(['a', 'b'])
    assert.equal(writer.text({ method: 'POST', headers: kept }), writer.text({ method: 'POST', headers: kept }))
  })
})
