/**
 * Decides how many items of an array have to be such, for `contains`. The engine's own keyword keeps what it found in the
 * array before: of several arrays in a list, an empty one passed behind one that was good.
 */
import { _, type CodeKeywordDefinition, type Name } from 'ajv'
import { Type } from 'ajv/dist/compile/util.js'

export const contains: CodeKeywordDefinition = {
  keyword: 'contains',
  type: 'array',
  schemaType: ['object', 'boolean'],
  trackErrors: true,
  error: {
    message: 'must contain the right number of such items',
    params: ({ params }) => _`{minContains: ${params['min']}}`,
  },
  code(cxt) {
    const { gen, data, parentSchema } = cxt
    const { minContains: min = 1, maxContains: max } = parentSchema as { minContains?: number; maxContains?: number }
    cxt.setParams({ min })
    const count = gen.let('count', 0)
    const enough = max === undefined ? _`${count} >= ${min}` : _`${count} > ${max}`
    gen.forRange('i', 0, _`${data}.length`, (at: Name) => {
      const found = gen.name('found')
      gen.if(enough, () => gen.break())
      cxt.subschema({ keyword: 'contains', dataProp: at, dataPropType: Type.Num, compositeRule: true }, found)
      gen.if(found, () => gen.code(_`${count}++`))
    })
    const fits = max === undefined ? enough : _`${count} >= ${min} && ${count} <= ${max}`
    cxt.result(fits, () => cxt.reset())
  },
}
