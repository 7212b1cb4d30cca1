/** @type {Readonly<Record<string, string>>} */
export const outcome = {
  'outcome.asked': 'Somebody asked for it.',
  'outcome.cancelled': 'Cancelled by {by}.',
  'outcome.confusable': 'It would take these people for one another, which the network in use does not: {pairs}.',
  'outcome.confusable-more':
    'It would take these people for one another, which the network in use does not: {pairs}, and {more} more pairs.',
  'outcome.differed': '{differed} of {decisions} decisions differed from those of the network before.',
  'outcome.enrol-more': 'Enrol more people, with three or more pictures each.',
  'outcome.few-templates': 'Only {made} of {all} templates can be made with it.',
  'outcome.figures':
    'It misses {after} % of the people it should know, the network in use {before} %, on {pictures} pictures of {people} people that no training sees. The difference is {difference} points (95 %: {low} to {high}; upper bound {upper}, at most {most} is allowed), at the same rate of wrong accepts over {impostors} comparisons.',
  'outcome.forced': 'Used against the comparison.',
  'outcome.forced-unmeasured': 'Used without a measurement.',
  'outcome.guards-already': 'It guards the door already.',
  'outcome.no-gain': 'No gain, so the network in use stays.',
  'outcome.nothing-trained': 'Nothing was trained, because a new network could not be measured.',
  'outcome.on-cohort':
    'On the shipped strangers it misses {after} %, the network in use {before} % (difference, 95 %: {low} to {high} points).',
  'outcome.other-base': 'It was trained from another network than the one that face.embedder names now.',
  'outcome.too-few':
    'There are {pictures} pictures of {people} people that no training sees. To compare, at least {leastPictures} pictures of {leastPeople} people are needed.',
  'outcome.two-names': 'It took a face for one person, the network before took it for another.',
  'outcome.worse-on-cohort': 'It is worse on the shipped strangers.',
};
