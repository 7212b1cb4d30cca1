/** kill -9 while people are enrolled and removed, and while a backup is restored. The campaign plays many more by hand, and other work. */
import { expect, it } from 'vitest';
import { openCampaign } from './kill/campaign.ts';

it('a door that is killed at any moment opens again, and nobody is half there', async () => {
  using campaign = await openCampaign();
  for (const action of ['change', 'restore'] as const) expect(await campaign.run(action, 0), action).toEqual([]);
}, 120_000);
