using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

public sealed class ImageMapTests
{
    private const int Largest = 120;

    [Fact]
    public void A_chain_is_assembled_to_its_last_point_after_writes_discards_and_resizes()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            Random random = new(seed);
            List<ImagePoint> chain = [];
            int[] image = [];
            for (int point = 0, points = random.Next(1, 7); point < points; point++)
            {
                int size = point == 0 || random.Next(3) == 0 ? random.Next(1, Largest) : image.Length;
                Array.Resize(ref image, size);
                List<ImageChange> changes = Changes(random, size, isFull: point == 0);
                foreach (ImageChange change in changes)
                {
                    Array.Fill(image, change.IsData ? point + 1 : 0, (int)change.OffsetBytes, (int)change.LengthBytes);
                }

                chain.Add(new ImagePoint(size, changes));
            }

            Assert.Equal(image, Assemble(chain));
        }
    }

    [Fact]
    public void Data_beyond_the_end_of_a_shrunk_image_do_not_return_when_it_grows() =>
        Assert.Equal([1, 0, 0], Assemble(
            [new(3, [new(0, 3, true)]), new(1, []), new(3, [])]));

    /// <summary>Writes each visible byte once, as a restore does: the number of the point, plus one.</summary>
    private static int[] Assemble(List<ImagePoint> chain)
    {
        int[] image = new int[chain[^1].SizeBytes];
        foreach ((int index, IReadOnlyList<Extent> visible) in ImageMap.Visible(chain).Index())
        {
            long end = -1;
            foreach (Extent extent in visible)
            {
                Assert.True(extent.OffsetBytes > end - 1 && extent.LengthBytes > 0);
                end = extent.EndBytes;
                for (long offset = extent.OffsetBytes; offset < end; offset++)
                {
                    Assert.Equal(0, image[offset]);
                    image[offset] = index + 1;
                }
            }
        }

        return image;
    }

    private static List<ImageChange> Changes(Random random, int size, bool isFull)
    {
        List<ImageChange> changes = [];
        for (int offset = random.Next(20); offset < size; offset += random.Next(1, 25))
        {
            int length = Math.Min(random.Next(1, 20), size - offset);
            changes.Add(new ImageChange(offset, length, isFull || random.Next(3) > 0));
            offset += length;
        }

        return changes;
    }
}
