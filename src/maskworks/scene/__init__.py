"""What a clip or picture shows, says and sounds like, as evidence that a person decides on."""
