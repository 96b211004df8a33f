using KvmBackup.Ceph;
using KvmBackup.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

/// <summary>An image that is read from the backups of its chain.</summary>
public sealed class AssembledImageTests
{
    private const int Block = 4096;

    [Fact]
    public async Task An_assembled_image_has_the_content_at_the_end_of_its_chain()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            Random random = new(seed);
            List<ImagePoint> points = [];
            List<IExtentSource> sources = [];
            byte[] image = [];
            for (int number = 0; number < 4; number++)
            {
                Array.Resize(ref image, Block * random.Next(20, 60));
                List<ImageChange> changes = Changes(random, image.Length, isFull: number == 0);
                foreach (ImageChange change in changes)
                {
                    Span<byte> run = image.AsSpan((int)change.OffsetBytes, (int)change.LengthBytes);
                    run.Clear();
                    if (change.IsData)
                    {
                        random.NextBytes(run);
                    }
                }

                points.Add(new ImagePoint(image.Length, changes));
                sources.Add(SourceOf(number, image, changes));
            }

            AssembledImage assembled = new(image.Length, [.. ImageMap.Visible(points).Zip(sources)]);

            Assert.Equal(image, await DiffSample.ReadAsync(assembled, pieceBytes: 10_000));
        }
    }

    /// <summary>The source of a backup: a full one as it is, an increment as a diff stream.</summary>
    private static IExtentSource SourceOf(int number, byte[] image, List<ImageChange> changes)
    {
        if (number == 0)
        {
            return new Bytes([.. image]);
        }

        RbdDiffLayout layout = new($"s{number - 1}", $"s{number}", image.Length, changes);
        byte[] stream = new byte[layout.LengthBytes];
        foreach (RbdDiffPart part in layout.Locate(0, stream.Length))
        {
            image.AsSpan((int)part.ImageOffsetBytes, part.Length).CopyTo(stream.AsSpan(part.Start));
        }

        return new RbdDiffImage(layout, new Bytes(stream));
    }

    private static List<ImageChange> Changes(Random random, int size, bool isFull)
    {
        List<ImageChange> changes = [];
        for (long offset = Block * random.Next(3); offset < size; offset += Block * random.Next(0, 14))
        {
            long length = Math.Min(Block * random.Next(1, 9), size - offset);
            changes.Add(new ImageChange(offset, length, isFull || random.Next(4) > 0));
            offset += length;
        }

        return changes;
    }
}
