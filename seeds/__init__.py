"""Two believable plants, as the workbooks a plant would really bring."""
