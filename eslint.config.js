// The four rules that need types, and only these: Biome looks after the rest. test/project/type-aware-rules.test.ts proves
// that they see. `checkThenables` is what finds a query builder that nobody awaits: a knex builder is not a Promise.
import tseslint from 'typescript-eslint';

export default [
  {
    files: ['{src,ceremony,migrations,test,scripts}/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', {
        checkThenables: true,
        allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'it', 'suite', 'describe', 'before', 'after', 'beforeEach', 'afterEach'] }],
      }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // A `default` that somebody wrote is an answer, as for the vocabularies of foreign packages; a forgotten case is not.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
];
