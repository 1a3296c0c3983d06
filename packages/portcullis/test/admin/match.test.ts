import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matcher } from '../../src/admin/match.ts'
import { type AdminMethod, type AdminRoute, READERS, route } from '../../src/admin/route.ts'

const row = (method: AdminMethod, path: string): AdminRoute =>
  route({ method, path, name: `${method} ${path}`, summary: '', may: READERS, run: () => ({ document: {} }) })

const match = matcher([row('GET', '/keys'), row('GET', '/keys/{id}'), row('POST', '/keys/{id}/revoke')])

describe('a path', () => {
  it('finds its routes, with what stands for its names', () => {
    assert.deepEqual([...(match('/admin/v1/keys')?.routes.keys() ?? [])], ['GET'])
    assert.deepEqual(match('/admin/v1/keys/a%20b%C3%A4')?.path, { id: 'a bä' })
    assert.deepEqual(match('/admin/v1/keys/x/revoke')?.path, { id: 'x' })
  })

  for (const path of [
    ...['/admin/v1', '/admin/v1/', '/admin/v1/keys/', '/admin/v1//keys', '/admin/v1/keys/a/', '/admin/v1/Keys'],
    ...['/admin/v1/keys/a%00b', '/admin/v1/keys/%zz', '/admin/v1/keys/%ff', `/admin/v1/keys/${'x'.repeat(600)}`],
    ...['/admin/v1/%6beys', '/admin/v2/keys', '/keys', '/admin/v1/keys/a/other'],
  ]) {
    it(`${path.slice(0, 40)} is none`, () => assert.equal(match(path), undefined))
  }

  it('has one route for each method', () => {
    assert.throws(() => matcher([row('GET', '/a'), row('GET', '/a')]), TypeError)
  })
})
