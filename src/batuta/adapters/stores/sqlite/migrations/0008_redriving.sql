-- A message that comes again while it is parked stays parked once.
CREATE INDEX parked_by_place ON parked (place) WHERE place > 0;
