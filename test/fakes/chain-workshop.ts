/** A workshop whose one recipe is the chain of the tests. */
import type { Workshop } from '../../src/retrain/port.ts';
import { chainRecipe } from './recipe.ts';

export const workshopOf = (): Pick<Workshop, 'recipes'> => ({
  recipes: { adapt: chainRecipe({ name: 'adapt', steps: 20, stepMs: 20, checkpointEvery: 5 }) },
});
