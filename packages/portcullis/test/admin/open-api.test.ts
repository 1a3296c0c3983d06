import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ADMIN_ROUTES, adminOpenApi } from '../../src/admin/routes.ts'

interface Operation {
  readonly operationId: string
  readonly 'x-roles': readonly string[]
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: object
}

const document = adminOpenApi() as {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

describe('the OpenAPI document', () => {
  it('has every route of the table, and no other', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const known = ADMIN_ROUTES.map(({ method, path }) => `${method} /admin/v1${path}`)
    assert.deepEqual(told.toSorted(), known.toSorted())
  })

  it('names each operation once, and everything that its path needs', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => [path, operation] as const),
    )
    assert.equal(new Set(operations.map(([, { operationId }]) => operationId)).size, operations.length)
    for (const [path, { parameters }] of operations) {
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`)
      assert.deepEqual([...path.matchAll(/\{\w+\}/g)].map(([name]) => name).toSorted(), inPath.toSorted())
    }
  })

  it('offers to name a tenant exactly where a route acts in one', () => {
    for (const { name, reach } of ADMIN_ROUTES) {
      const operation = Object.values(document.paths)
        .flatMap((methods) => Object.values(methods))
        .find(({ operationId }) => operationId === name)
      const offered = operation?.parameters.some((one) => one.in === 'query' && one.name === 'tenant')
      assert.equal(offered, reach === 'tenant', name)
    }
  })

  it('can be written as JSON, the same each time', () => {
    assert.equal(document.openapi, '3.1.0')
    assert.deepEqual(JSON.parse(JSON.stringify(document)), adminOpenApi())
  })
})
