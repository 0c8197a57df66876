"""Lists what the images are made of, and judges its licences."""
