// The checks that need no running server, slowest first. `scripts/check NAME` runs one.

/** The words after `node` on the command line. */
export const STEPS = {
  eslint: ['node_modules/eslint/bin/eslint.js', '.'],
  types: ['node_modules/typescript/bin/tsc6', '-p', '.'],
  knip: ['node_modules/knip/bin/knip.js', '--no-config-hints'],
  imports: ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', '--config', '.dependency-cruiser.mjs', 'src', 'ceremony', 'migrations', 'test', 'scripts'],
  biome: ['node_modules/@biomejs/biome/bin/biome', 'lint', '--error-on-warnings', '.'],
  house: ['scripts/checks/house.ts'],
} as const satisfies Record<string, readonly string[]>;

export type StepName = keyof typeof STEPS;
export const isStep = (word: string): word is StepName => Object.hasOwn(STEPS, word);
