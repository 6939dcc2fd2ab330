"""A small library: a submission becomes an Apptainer image and runs sealed off."""
