"""S2iamMask: a Siamese tracker whose proposals' features are pooled, masked and put to the vote."""
