"""A page to try a network on recordings and the microphone; what `ser-acrnn page` runs. Needs the extra `page`."""
